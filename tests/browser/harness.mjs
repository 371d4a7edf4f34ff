// What every test of the whole page stands on: a static server for the built site, a browser, and
// helpers that make a test fail for what a person would not see (an error in the console, a request
// that leaves the origin, an accessibility violation).
//
// A test:
//
//     import { test } from "node:test";
//     import { withPage, axe } from "./harness.mjs";
//
//     test("the page says its name", () =>
//       withPage({ theme: "dark", viewport: PHONE }, async (page) => {
//         await page.getByRole("heading", { name: "Lobby" }).waitFor();
//         await axe(page);
//       }));

import assert from "node:assert/strict";
import { createReadStream, existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import axeCore from "axe-core";
import { chromium } from "playwright-core";

const top = fileURLToPath(new URL("../..", import.meta.url));
const dist = resolve(process.env.LOBBY_DIST ?? join(top, "dist"));
const pictures = resolve(process.env.LOBBY_SCREENSHOTS ?? join(top, "target/screenshots"));

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
/** The narrowest that WCAG 1.4.10 asks for. */
export const NARROW = { width: 320, height: 640 };

/** How Chromium is started: as a machine without a screen needs it, and asking nobody for anything. */
export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const MEDIA_TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
  ".yaml": "text/plain; charset=utf-8",
};

let server;
let browser;

/** The site's address, with a `/` at its end. The server is started when it is first asked for. */
export async function site() {
  if (!existsSync(join(dist, "index.html"))) {
    throw new Error(`no site in ${dist}: \`cargo xtask build\` makes it`);
  }
  server ??= await serve(dist);
  return address(server);
}

/** Another server, for pages of another origin or another state of the site: its address, and
 *  `close()`. `headers` are sent with every file; with `gzip` it compresses as public hosts do. */
export async function serveFolder(folder, headers = {}, { gzip = false } = {}) {
  const root = resolve(folder);
  const other = await serve(root, headers, gzip ? compressed(root) : new Map());
  return {
    address: address(other),
    close: () => {
      // A browser keeps its connections open.
      other.closeAllConnections();
      return new Promise((done) => other.close(done));
    },
  };
}

/** The built site's folder. */
export const DIST = dist;

const address = (server) => `http://127.0.0.1:${server.address().port}/`;

/** The files of a folder that compress, compressed before anybody asks. */
function compressed(folder) {
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
  const is = (file) => extname(file) !== ".png" && statSync(file).isFile();
  return new Map(files.filter(is).map((file) => [file, gzipSync(readFileSync(file))]));
}

function serve(folder, headers = {}, zipped = new Map()) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    let file = normalize(join(folder, path));
    if (file !== folder && !file.startsWith(folder + sep)) {
      return response.writeHead(404).end();
    }
    const found = await stat(file).catch(() => null);
    if (found?.isDirectory()) {
      file = join(file, "index.html");
    } else if (!found) {
      return response.writeHead(404).end();
    }
    const type = MEDIA_TYPES[extname(file)] ?? "application/octet-stream";
    const all = { "Content-Type": type, "Cache-Control": "no-store", ...headers };
    if (zipped.has(file)) {
      response.writeHead(200, { ...all, "Content-Encoding": "gzip" }).end(zipped.get(file));
      return;
    }
    response.writeHead(200, all);
    createReadStream(file).pipe(response);
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

/** Chromium, started once for each file of tests, with an empty profile. */
export async function launch() {
  const executablePath = process.env.LOBBY_CHROMIUM ?? "/usr/bin/chromium";
  browser ??= await chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false });
  return browser;
}

/** Ends the server and the browser. After a file of tests this happens by itself. */
export async function close() {
  await browser?.close();
  browser = undefined;
  await new Promise((done) => (server ? server.close(done) : done()));
  server = undefined;
}

if (process.env.NODE_TEST_CONTEXT) {
  after(close);
}

/**
 * Opens the page as somebody who was never there, calls `fn(page, seen)`, and closes it. Fails if
 * the page logged an error, threw, or asked for anything outside of its origin.
 *
 * @param options
 * - `viewport`: DESKTOP (default), PHONE, NARROW or a size of your own
 * - `theme`: "light" (default) or "dark", as the system prefers it
 * - `motion`: "reduce" (default: nothing moves while a test looks) or "no-preference"
 * - `contrast`, `forcedColors`: as Playwright takes them
 * - `touch`: a screen that is touched
 * - `path`: below the site's address, with query or fragment ("" by default)
 * - `before`: `async (page) => …`, called before the page is opened
 * - `waitFor`: the selector that says that the page is there ("main" by default)
 * - `mayLog`: a RegExp of errors that this test is about, and that are fine
 * @param fn `seen` has `errors` and `requests` (addresses) so far.
 */
export async function withPage(options, fn) {
  const { viewport = DESKTOP, theme = "light", motion = "reduce", path = "" } = options;
  const origin = await site();
  const context = await (await launch()).newContext({
    viewport,
    colorScheme: theme,
    reducedMotion: motion,
    contrast: options.contrast,
    forcedColors: options.forcedColors,
    hasTouch: options.touch ?? false,
    locale: "en-US",
    timezoneId: "UTC",
    serviceWorkers: "block",
  });
  const seen = { errors: [], requests: [], outside: [] };
  try {
    await context.route("**/*", (route) => {
      const address = route.request().url();
      seen.requests.push(address);
      if (address.startsWith(origin)) {
        return route.continue();
      }
      seen.outside.push(address);
      return route.abort();
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("console", (message) => {
      // Chromium asks for an icon that no page named; its absence is nobody's error.
      const isIcon = message.location().url.endsWith("/favicon.ico");
      if (message.type() === "error" && !isIcon) {
        seen.errors.push(message.text());
      }
    });
    await options.before?.(page);
    await page.goto(new URL(path, origin).href, { waitUntil: "load" });
    await ready(page, options.waitFor);
    const result = await fn(page, seen);
    const errors = seen.errors.filter((error) => !options.mayLog?.test(error));
    assert.deepEqual(errors, [], "the page logged errors");
    assert.deepEqual(seen.outside, [], "the page asked for things outside of its origin");
    return result;
  } finally {
    await context.close();
  }
}

/** Waits until the application has drawn something. */
export async function ready(page, selector = "main") {
  await page.locator(selector).first().waitFor();
}

/** Fails if axe finds a violation in the page as it stands. Best practices are not rules. */
export async function axe(page) {
  // Through the driver, so that the page's Content-Security-Policy stays as it is.
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(axeCore.source);
  }
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      resultTypes: ["violations"],
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  const told = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n` + nodes.map((node) => `    ${node.target}: ${node.failureSummary}`).join("\n"),
  );
  assert.equal(told.length, 0, `axe finds\n${told.join("\n")}`);
}

/** Fails if the page is wider than its window: nobody should scroll in two directions. */
export async function noSidewaysScroll(page) {
  const [content, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window}`);
}

/** A picture in `target/screenshots/`; its path. */
export async function screenshot(page, name) {
  mkdirSync(pictures, { recursive: true });
  const path = join(pictures, `${name}.png`);
  await page.screenshot({ path, animations: "disabled" });
  return path;
}
