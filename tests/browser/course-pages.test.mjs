// The examples of docs/embedding.md, as a course author copies them, each on a page of another origin
// than the lab's. A platform's part is played as far as it decides: mdBook by itself, Docusaurus' JSX
// by a compiler of JSX, Moodle's filter by taking away what such filters take away.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DIST, axe, launch, screenshot, serveFolder } from "./harness.mjs";

const top = fileURLToPath(new URL("../..", import.meta.url));
const documentation = readFileSync(join(top, "docs/embedding.md"), "utf8");
const EXAMPLE = "https://lab.example/";

/** The `nth` block of code below a heading, from 0. */
function example(heading, nth = 0) {
  const part = documentation.split(new RegExp(`^#+ ${heading}$`, "m"))[1];
  assert.ok(part, `docs/embedding.md has no ${heading}`);
  const blocks = [...part.matchAll(/^```\w+\n([^]*?)^```$/gm)];
  assert.ok(blocks[nth], `${heading} has no example`);
  return blocks[nth][1];
}

const page = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>A course</title><main><h1>A course</h1>${body}</main></html>`;

/**
 * Serves a folder as a course, with `files(folder, lab)` in it, and the lab on a port of its own;
 * opens `path` and calls `fn(page)`.
 */
async function withCourse(files, fn, { path = "", isShared = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "lobby-course-"));
  // As GitHub Pages sends it: a script of another origin needs it, a frame does not.
  const lab = await serveFolder(DIST, isShared ? { "Access-Control-Allow-Origin": "*" } : {});
  const course = await serveFolder(folder);
  const context = await (await launch()).newContext({ viewport: { width: 1000, height: 800 }, reducedMotion: "reduce" });
  try {
    files(folder, lab.address);
    const opened = await context.newPage();
    opened.setDefaultTimeout(30_000);
    const outside = [];
    opened.on("request", (request) => {
      const url = request.url();
      if (![lab.address, course.address].some((own) => url.startsWith(own)) && !/^(data|blob):/.test(url)) outside.push(url);
    });
    await opened.goto(course.address + path);
    await fn(opened);
    assert.deepEqual(outside, [], "somebody asked another host");
  } finally {
    await context.close();
    await lab.close();
    await course.close();
    rmSync(folder, { recursive: true });
  }
}

/** Sends in the lab of a page, and waits for the answer. */
async function works(lab) {
  await lab.getByRole("button", { name: "Send", exact: true }).click();
  await lab.locator(".embed-foot").getByText("Answered").waitFor();
}

test("plain HTML: three lines", () =>
  withCourse(
    (folder, lab) => writeFileSync(join(folder, "index.html"), page(example("In three lines").replaceAll(EXAMPLE, lab))),
    async (page) => {
      await works(page.frameLocator("lobby-lab iframe"));
      await axe(page);
    },
    { isShared: true },
  ));

test("plain HTML: manifests of one's own", () =>
  withCourse(
    (folder, lab) => {
      const script = `<script type="module" src="${lab}embed.js"></script>`;
      writeFileSync(join(folder, "index.html"), page(script + example("In three lines", 1)));
    },
    async (page) => {
      await page.frameLocator("lobby-lab iframe").locator("main").waitFor();
      const { text } = await page.locator("lobby-lab").evaluate(
        async (lab) => {
          if (!lab.ready) await new Promise((done) => lab.addEventListener("ready", done, { once: true }));
          return lab.command("getState");
        },
      );
      assert.match(text, /^apiVersion: v1\nkind: Service/);
    },
    { isShared: true },
  ));

test("plain HTML: a frame", () =>
  withCourse(
    (folder, lab) => writeFileSync(join(folder, "index.html"), page(example("As a plain frame").replaceAll(EXAMPLE, lab))),
    async (page) => {
      await works(page.frameLocator("iframe"));
      await axe(page);
    },
  ));

test("plain HTML: a frame that waits for a click", () =>
  withCourse(
    (folder, lab) => writeFileSync(join(folder, "index.html"), page(example("As a plain frame", 1).replaceAll(EXAMPLE, lab))),
    async (page) => {
      await page.frameLocator("iframe").getByRole("button", { name: "Open the lab" }).click();
      await works(page.frameLocator("iframe"));
    },
  ));

test("plain HTML: talking to it", () =>
  withCourse(
    (folder, lab) => {
      const code = example("Talking to it");
      const html = page(`<script type="module" src="${lab}embed.js"></script><lobby-lab scenario="clusterip" load="click">A lab.</lobby-lab>`);
      writeFileSync(join(folder, "talk.js"), code.replace("http://web", "http://backend"));
      writeFileSync(join(folder, "index.html"), html.replace("</main>", '</main><script type="module" src="talk.js"></script>'));
    },
    async (page) => {
      const said = [];
      page.on("console", (message) => said.push(message.text()));
      await page.getByRole("button", { name: "Open the lab" }).click();
      await page.waitForFunction(() => document.querySelector("lobby-lab").ready);
      await page.waitForTimeout(500);
      assert.ok(said.some((text) => text.includes("kubernetes")), said.join());
    },
    { isShared: true },
  ));

const mdbook = process.env.LOBBY_MDBOOK;
const noBook = mdbook ? false : "mdBook is not here (LOBBY_MDBOOK names it; `cargo xtask test` fetches it by pip)";
if (noBook) console.log(`left out: ${noBook}`);

test("a book that mdBook built", { skip: noBook }, () =>
  withCourse(
    (folder) => {
      const source = join(folder, "src");
      mkdirSync(source);
      writeFileSync(join(folder, "book.toml"), '[book]\ntitle = "A course"\n');
      writeFileSync(join(source, "SUMMARY.md"), "# Summary\n\n- [Services](services.md)\n");
      writeFileSync(join(source, "services.md"), example("mdBook"));
      cpSync(DIST, join(source, "lab"), { recursive: true });
      execFileSync(mdbook, ["build", folder], { stdio: "pipe" });
    },
    async (page) => {
      await works(page.frameLocator("lobby-lab iframe"));
      await screenshot(page, "course-mdbook");
    },
    { path: "book/services.html" },
  ));

test("Docusaurus: the component's HTML", () =>
  withCourse(
    (folder) => {
      const source = example("Docusaurus");
      const [, code, use] = source.match(/^([^]*);\s*\n(<Lab [^]*)$/);
      const file = join(folder, "lab.mjs");
      const jsx = code.replace(/^import .*$/m, "const useBaseUrl = (path) => `/base${path}`;") + `;\nconsole.log(${use.trim()});\n`;
      writeFileSync(join(folder, "lab.jsx"), `${RENDER}\n${jsx}`);
      const esbuild = join(top, "web/editor/node_modules/.bin/esbuild");
      execFileSync(esbuild, [join(folder, "lab.jsx"), "--jsx-factory=h", "--format=esm", "--log-level=error", `--outfile=${file}`]);
      const html = execFileSync(process.execPath, [file], { encoding: "utf8" });
      assert.match(html, /^<iframe title="Lab: NodePort"/);
      // What lies in static/ is served below the base address.
      cpSync(DIST, join(folder, "base/lab"), { recursive: true });
      writeFileSync(join(folder, "index.html"), page(html));
    },
    async (page) => works(page.frameLocator("iframe")),
  ));

/** React's part: elements to text. */
const RENDER = `const h = (tag, attributes, ...children) => typeof tag === "function" ? tag(attributes ?? {}) :
  "<" + tag + Object.entries(attributes ?? {}).map(([name, value]) => " " + name + '="' + value + '"').join("") + ">" + children.join("") + "</" + tag + ">";`;

test("Moodle: what its filter leaves", () =>
  withCourse(
    (folder, lab) => {
      const filtered = example("Moodle, Canvas, ILIAS")
        .replaceAll(EXAMPLE, lab)
        .replace(/<script[^]*?<\/script>/g, "")
        .replace(/<iframe([^>]*)>/g, (_, attributes) => {
          const kept = [...attributes.matchAll(/ (src|width|height|title)="[^"]*"/g)].map(([whole]) => whole);
          return `<iframe${kept.join("")}>`;
        });
      writeFileSync(join(folder, "index.html"), page(filtered));
    },
    async (page) => {
      await works(page.frameLocator("iframe"));
      await axe(page);
    },
  ));
