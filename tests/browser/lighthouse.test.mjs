// Lighthouse on the served site, with the installed browser: its four numbers, printed. Accessibility
// and best practices are asserted; how fast the page is depends on the machine and on how the site
// was built, so that number is said only.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import lighthouse, { desktopConfig } from "lighthouse";
import { DIST, FLAGS, serveFolder } from "./harness.mjs";

/** A browser that Lighthouse talks to: its port, and how to end it. */
async function browser() {
  const profile = await mkdtemp(join(tmpdir(), "lobby-lighthouse-"));
  const child = spawn(
    process.env.LOBBY_CHROMIUM ?? "/usr/bin/chromium",
    [
      ...FLAGS,
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = new Promise((done) => child.once("exit", done));
  const port = await new Promise((done, fail) => {
    let said = "";
    child.once("error", fail);
    child.once("exit", () => fail(new Error(`the browser ended: ${said}`)));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      const found = said.match(/DevTools listening on ws:\/\/[^:]+:(\d+)\//);
      if (found) done(Number(found[1]));
    });
  });
  return {
    port,
    async close() {
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

test("Lighthouse: accessibility and best practices 100", { timeout: 120_000 }, async () => {
  const { port, close } = await browser();
  // Compressed, as from a public host: how long the page takes to arrive is computed from its bytes.
  const host = await serveFolder(DIST, {}, { gzip: true });
  try {
    const result = await lighthouse(
      host.address,
      { port, logLevel: "error", output: "json", onlyCategories: ["performance", "accessibility", "best-practices", "seo"] },
      desktopConfig,
    );
    const { categories, audits } = result.lhr;
    const scores = Object.fromEntries(
      Object.values(categories).map(({ id, score }) => [id, Math.round((score ?? 0) * 100)]),
    );
    const said = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"];
    console.log(
      `Lighthouse: ${Object.entries(scores).map(([id, score]) => `${id} ${score}`).join(", ")}; ` +
        said.map((id) => `${audits[id].title} ${audits[id].displayValue}`).join(", "),
    );
    const missed = (id) =>
      categories[id].auditRefs
        .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 1)
        .map(({ id }) => `${audits[id].title}: ${JSON.stringify(audits[id].details?.items ?? [])}`);
    for (const id of ["performance", "seo"]) for (const miss of missed(id)) console.log(`  ${id}: ${miss.slice(0, 300)}`);
    assert.equal(scores.accessibility, 100, missed("accessibility").join("\n"));
    assert.equal(scores["best-practices"], 100, missed("best-practices").join("\n"));
  } finally {
    await close();
    await host.close();
  }
});
