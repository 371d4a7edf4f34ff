// The lab without a network. `cargo xtask build` puts the list of all files and its hash here.
//
// Everything is fetched once, when the worker is installed, and served from there: a page that is
// open never gets files of two versions. A new version waits until the reader asks for it
// (web/offline.js), or until no page is open any more.

const VERSION = "development";
const FILES = [];
const CACHE = `lobby-${VERSION}`;

self.addEventListener("install", (event) => {
  const files = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(files)));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("lobby-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
  };
  event.waitUntil(clean());
});

self.addEventListener("message", (event) => {
  if (event.data === "now") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const home = new URL(self.registration.scope);
  // Another lab may be served from a folder below.
  if (request.method !== "GET" || url.origin !== home.origin || !url.pathname.startsWith(home.pathname)) {
    return;
  }
  const file = url.pathname.slice(home.pathname.length) || "index.html";
  if (!FILES.includes(file)) return;
  const serve = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(new URL(file, home))) ?? fetch(request);
  };
  event.respondWith(serve());
});
