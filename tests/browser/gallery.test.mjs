// Ten labs on one page, served from another origin than the lab: what is fetched, and when.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DIST, axe, launch, screenshot, serveFolder, withPage } from "./harness.mjs";

/** The lab as a static host serves it, whose files may be kept for a while. Counts the bytes it sends. */
async function serveCounted(fetched) {
  const packed = new Map();
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname.slice(1) || "index.html";
    const file = join(DIST, normalize(path));
    if (!file.startsWith(DIST) || !existsSync(file)) return response.writeHead(404).end();
    if (!packed.has(path)) packed.set(path, gzipSync(readFileSync(file)));
    const body = packed.get(path);
    fetched.set(path, (fetched.get(path) ?? 0) + body.length);
    response.writeHead(200, {
      "Content-Type": TYPES[extname(file)] ?? "text/plain",
      "Content-Encoding": "gzip",
      "Cache-Control": "max-age=600",
      "Access-Control-Allow-Origin": "*",
    });
    response.end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    size: (path) => packed.get(path).length,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

test("ten labs on a page of another origin share one download, and come when the reader is near", { timeout: 170_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lobby-gallery-"));
  const fetched = new Map();
  const lab = await serveCounted(fetched);
  const course = await serveFolder(folder);
  const html = readFileSync(join(DIST, "gallery.html"), "utf8")
    .replace(/<meta http-equiv=[^>]*>/, "")
    .replace('src="embed.js"', `src="${lab.address}embed.js"`)
    .replace(/<script[^>]*gallery\.js[^>]*><\/script>/, "");
  writeFileSync(join(folder, "index.html"), html);
  copyFileSync(join(DIST, "plain.css"), join(folder, "plain.css"));
  const context = await (await launch()).newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  try {
    const all = () => [...fetched.values()].reduce((sum, bytes) => sum + bytes, 0);
    const wasm = () => [...fetched].filter(([name]) => name.endsWith(".wasm"));

    await page.goto(course.address);
    const labs = page.locator("lobby-lab");
    assert.equal(await labs.count(), 10);
    const frames = () => page.locator("lobby-lab iframe").count();
    const open = async (index) => {
      const one = labs.nth(index);
      await one.scrollIntoViewIfNeeded();
      if ((await one.getAttribute("load")) === "click") await one.getByRole("button").click();
      await one.locator("iframe").contentFrame().locator("main").waitFor();
      await one.evaluate(
        (lab) => lab.ready || new Promise((done) => lab.addEventListener("ready", done, { once: true })),
      );
    };
    await open(0);
    assert.ok((await frames()) <= 3, "those far below wait");
    const first = all();
    const whole = wasm().reduce((sum, [, bytes]) => sum + bytes, 0);
    assert.ok(whole > 0);
    for (let index = 1; index < 9; index += 1) await open(index);
    assert.equal(await frames(), 9, "the last one waits for a click");
    await open(9);
    assert.equal(await frames(), 10);
    await page.waitForTimeout(1000);
    for (const [name, bytes] of wasm()) {
      assert.equal(bytes, lab.size(name), `${name} was fetched more than once`);
    }
    const rest = all() - first;
    assert.ok(rest < first, `nine more labs fetched ${rest} bytes, after ${first} of the first`);
    // What waits in one frame waits in all of them, and in the page around.
    for (const frame of page.frames().filter((frame) => frame.url().startsWith(lab.address))) {
      const waited = () => performance.getEntriesByType("resource").filter((entry) => entry.initiatorType === "xmlhttprequest");
      assert.deepEqual(await frame.evaluate(waited), [], `${frame.url()} waited for a part of the lab`);
    }
    t.diagnostic(`ten labs fetched ${all()} bytes (gzip), ${first} of them for the first`);
    await page.evaluate(() => scrollTo(0, 0));
    await screenshot(page, "gallery");
    await axe(page);
  } finally {
    await context.close();
    await lab.close();
    await course.close();
    rmSync(folder, { recursive: true });
  }
});

test("the gallery says what its labs fetched", () =>
  withPage({ path: "gallery.html" }, async (page) => {
    await page.locator("#total").getByText(/^[1-3] of 10 labs are open; they fetched [\d]+ KB/).waitFor({ timeout: 30_000 });
    await axe(page);
  }));
