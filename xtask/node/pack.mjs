// Packs a built site: `node pack.mjs DIST FOLDER NAME` writes NAME.zip and SHA256SUMS into FOLDER.
//
// The same files give the same zip, byte for byte: names in their order, and one date for all.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { zipSync } from "fflate";

const [dist, folder, name] = process.argv.slice(2);
if (!name) throw new Error("usage: node pack.mjs DIST FOLDER NAME");

/** The first moment that a zip can say. */
const mtime = new Date(1980, 0, 1);
/** Packed already. */
const STORED = /\.(png|woff2|zip|br|gz)$/;

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join("/"))
  .sort();
const tree = {};
for (const file of files) {
  tree[`${name}/${file}`] = [
    new Uint8Array(readFileSync(join(dist, file))),
    { level: STORED.test(file) ? 0 : 9, mtime },
  ];
}
const zip = zipSync(tree);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, `${name}.zip`), zip);
const sum = createHash("sha256").update(zip).digest("hex");
writeFileSync(join(folder, "SHA256SUMS"), `${sum}  ${name}.zip\n`);
console.log(`${join(folder, `${name}.zip`)}: ${files.length} files, ${zip.length} bytes, sha256 ${sum}`);
