// The lab without a network: what a release build's service worker keeps, and what a page says when
// a newer version is there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DIST, launch, serveFolder } from "./harness.mjs";

const offline = fileURLToPath(new URL("../../xtask/node/offline.mjs", import.meta.url));

/** A copy of the site under a folder of its own, as a release, served; then `fn({page, server, home})`. */
async function withRelease(fn) {
  const top = mkdtempSync(join(tmpdir(), "lobby-offline-"));
  const home = join(top, "some", "where");
  cpSync(DIST, home, { recursive: true });
  if (!readFileSync(join(home, "index.html"), "utf8").includes("lobby:offline")) {
    execFileSync(process.execPath, [offline, home]);
  }
  const server = await serveFolder(top);
  const context = await (await launch()).newContext({ serviceWorkers: "allow" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  try {
    await fn({ page, server, home, address: `${server.address}some/where/` });
  } finally {
    await context.close();
    await server.close();
    rmSync(top, { recursive: true });
  }
}

test("after one visit the lab opens without a network, from any path", () =>
  withRelease(async ({ page, server, address }) => {
    await page.goto(address);
    await page.locator("main").waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    // The worker is there when all files are.
    await page.waitForFunction(() => navigator.serviceWorker.getRegistration().then((it) => it?.active?.state === "activated"));
    await server.close();
    await page.goto(address);
    await page.locator("main").waitFor();
    await page.getByRole("button", { name: "Send" }).first().click();
    await page.getByText(/Answered|Refused/).first().waitFor();
  }));

test("a newer version is offered, and taken when the reader wants it", () =>
  withRelease(async ({ page, home, address }) => {
    await page.goto(address);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    await page.locator("main").waitFor();
    assert.equal(await page.getByText("A newer version of Lobby is there").count(), 0);

    const worker = join(home, "sw.js");
    const code = readFileSync(worker, "utf8");
    writeFileSync(worker, code.replace(/const VERSION = "\w+"/, 'const VERSION = "newer"'));
    await page.reload();
    const button = page.getByRole("button", { name: "Use it now" });
    await button.waitFor();
    await Promise.all([page.waitForEvent("load"), button.click()]);
    await page.locator("main").waitFor();
    const caches = await page.evaluate(() => caches.keys());
    assert.deepEqual(caches, ["lobby-newer"]);
  }));

test("the list of files is whole", () =>
  withRelease(async ({ page, home, address }) => {
    const listed = readFileSync(join(home, "sw.js"), "utf8").match(/const FILES = (\[.*\]);/)[1];
    const files = JSON.parse(listed);
    assert.ok(files.includes("index.html") && files.some((name) => name.endsWith(".wasm")));
    for (const file of files) {
      const response = await page.request.get(address + file);
      assert.equal(response.status(), 200, file);
    }
  }));
