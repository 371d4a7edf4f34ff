// Makes a built site work without a network: `node offline.mjs DIST`.
//
// Writes the list of its files and their hash into its service worker, and names the worker in the
// page's head. Without that name the page registers none, which is how development builds stay free
// of it.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const [dist] = process.argv.slice(2);
if (!dist) throw new Error("usage: node offline.mjs DIST");

/** Not fetched by the page itself: what is for other people's pages, and for who looks after the site. */
const LEFT_OUT = ["sw.js", "gallery.html", "gallery.js"];

const index = join(dist, "index.html");
const html = readFileSync(index, "utf8");
const named = html.replace("</head>", '<meta name="lobby:offline" content="./sw.js"></head>');
if (named === html) throw new Error("index.html has no </head>");
writeFileSync(index, named);

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join("/"))
  .filter((name) => !LEFT_OUT.includes(name))
  .sort();

const hash = createHash("sha256");
for (const name of files) {
  hash.update(`${name}\0`);
  hash.update(createHash("sha256").update(readFileSync(join(dist, name))).digest());
}
const version = hash.digest("hex").slice(0, 16);

const worker = join(dist, "sw.js");
const code = readFileSync(worker, "utf8");
const filled = code
  .replace('const VERSION = "development";', `const VERSION = ${JSON.stringify(version)};`)
  .replace("const FILES = [];", `const FILES = ${JSON.stringify(files)};`);
if (!filled.includes(version) || !filled.includes('"index.html"')) {
  throw new Error("sw.js has no place for the list of files");
}
writeFileSync(worker, filled);
console.log(`Offline: ${files.length} files, version ${version}`);
