// The licences of everything that is in a built site: `node licences.mjs DIST`.
//
// In the site are the crates that the page links (its dependencies and theirs, without those of tests and builds;
// what only writes code while building is no part of it), Rust's own library, and the packages that
// esbuild puts into editor.js, which it tells itself. Each one's own licence files are copied; where
// a package ships none, its licence is named, and the text is that of another package under the same
// one. No network.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [dist] = process.argv.slice(2);
if (!dist) throw new Error("usage: node licences.mjs DIST");
const top = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = "lobby-web";
const TARGET = "wasm32-unknown-unknown";

/** The files of a folder that say how it may be used. */
function texts(folder) {
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|unlicense|notice|copyright)/i.test(name) && !/\.(rs|html)$/.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "utf8").replaceAll("\r\n", "\n").trim())
    // A few words that only name the licence are no text of it.
    .filter((text) => text.length >= 100);
}

/** The crates that the page links: the list is `cargo tree`'s, which knows its features. */
function crates() {
  const cargo = (...args) =>
    execFileSync(process.env.CARGO ?? "cargo", [...args, "--locked"], { cwd: top, encoding: "utf8", maxBuffer: 1 << 28 });
  const tree = cargo("tree", "-p", PAGE, "-e", "no-dev,no-build,no-proc-macro", "--target", TARGET, "--prefix", "none", "--format", "{p}");
  const linked = new Set(tree.split("\n").map((line) => line.split(" ").slice(0, 2).join(" v").replace(" vv", " v")));
  const metadata = JSON.parse(cargo("metadata", "--format-version", "1", "--filter-platform", TARGET));
  return metadata.packages
    .filter((one) => one.source !== null && linked.has(`${one.name} v${one.version}`))
    .map((one) => ({
      name: one.name,
      version: one.version,
      licence: one.license ?? "see its text",
      home: one.repository ?? one.homepage,
      texts: texts(dirname(one.manifest_path)),
    }));
}

/** The packages in editor.js, as esbuild lists them. */
function scripts() {
  const editor = join(top, "web/editor");
  const modules = join(editor, "node_modules");
  const esbuild = join(modules, ".bin/esbuild");
  const meta = join(top, "web/generated/editor.meta.json");
  execFileSync(esbuild, ["entry.js", "--bundle", "--format=esm", "--log-level=error", `--metafile=${meta}`, `--outfile=${meta}.js`], { cwd: editor });
  const inputs = Object.keys(JSON.parse(readFileSync(meta, "utf8")).inputs);
  const names = new Set();
  for (const input of inputs) {
    const [, inside] = input.split("node_modules/");
    if (!inside) continue;
    const parts = inside.split("/");
    names.add(inside.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]);
  }
  return [...names].map((name) => {
    const folder = join(modules, name);
    const own = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const home = typeof own.repository === "string" ? own.repository : own.repository?.url;
    return { name, version: own.version, licence: own.license, home: home?.replace(/^git\+|\.git$/g, ""), texts: texts(folder) };
  });
}

/** Rust's own library is in every WebAssembly; it is under the same two licences as most crates. */
function library() {
  const version = execFileSync("rustc", ["--version"], { encoding: "utf8" }).split(" ")[1];
  const root = execFileSync("rustc", ["--print", "sysroot"], { encoding: "utf8" }).trim();
  const folder = ["share/doc/rust", "share/doc/rust-std", "lib/rustlib/src/rust"].map((name) => join(root, name)).find(existsSync);
  return {
    name: "Rust's standard library",
    version,
    licence: "MIT OR Apache-2.0",
    home: "https://github.com/rust-lang/rust",
    texts: folder ? texts(folder).filter((text) => text.length < 30_000) : [],
  };
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const own = ["LICENSE-APACHE", "LICENSE-MIT"].map((name) => readFileSync(join(top, name), "utf8").trim());
const parts = [
  ["Crates in the WebAssembly", [...crates(), library()].sort((a, b) => a.name.localeCompare(b.name))],
  ["Packages in the editor", scripts().sort((a, b) => a.name.localeCompare(b.name))],
];
const all = parts.flatMap(([, list]) => list);
for (const one of all) {
  if (!one.licence) throw new Error(`${one.name} ${one.version} names no licence`);
}

// Equal texts are printed once.
const printed = new Map();
const idOf = (text) => {
  const key = text.replace(/\s+/g, " ");
  if (!printed.has(key)) printed.set(key, { id: `text-${printed.size + 1}`, text, of: [] });
  return printed.get(key);
};
const first = own.map(idOf);
first[0].of.push("Lobby");
first[1].of.push("Lobby");
const standIn = (licence) => {
  const same = all.find((one) => one.licence === licence && one.texts.length > 0);
  if (same) return same.texts;
  if (/MIT|Apache-2\.0/.test(licence)) return own;
  throw new Error(`there is no text of ${licence}`);
};
const row = (one) => {
  const missing = one.texts.length === 0;
  const links = (missing ? standIn(one.licence) : one.texts).map((text) => {
    const entry = idOf(text);
    if (!missing) entry.of.push(one.name);
    return `<a href="#${entry.id}">${entry.id.replace("-", " ")}</a>`;
  });
  const name = one.home?.startsWith("https://") ? `<a href="${escape(one.home)}">${escape(one.name)}</a>` : escape(one.name);
  const note = missing ? " (its package has no text of its own)" : "";
  return `<li>${name} ${escape(one.version)}: ${escape(one.licence)}, ${links.join(", ")}${note}</li>`;
};
const lists = parts.map(([title, list]) => `<h2>${title}</h2>\n<ul>\n${list.map(row).join("\n")}\n</ul>`);
const bodies = [...printed.values()].map(
  ({ id, text, of }) => `<details id="${id}"><summary>${id.replace("-", " ")}: ${escape(of.slice(0, 6).join(", "))}${of.length > 6 ? ` and ${of.length - 6} more` : ""}</summary>\n<pre tabindex="0">${escape(text)}</pre></details>`,
);
const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Licences of what is in Lobby</title>
<link rel="icon" type="image/svg+xml" href="icon.svg">
<link rel="stylesheet" href="plain.css">
</head>
<body>
<main>
<h1>Licences of what is in Lobby</h1>
<p>Lobby itself is under MIT or Apache-2.0, as you like (<a href="#text-1">text 1</a>, <a href="#text-2">text 2</a>).
In it are ${all.length} works of others, each with its licence:</p>
${lists.join("\n")}
<h2>The texts</h2>
${bodies.join("\n")}
</main>
</body>
</html>
`;
writeFileSync(join(dist, "licences.html"), html);
console.log(`Licences: ${all.length} works, ${printed.size} texts, ${html.length} bytes`);
