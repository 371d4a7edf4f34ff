// The licences of everything that is in the site, on one page of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, axe, noSidewaysScroll, withPage } from "./harness.mjs";

test("everything bundled is named with its licence and its text", () =>
  withPage({ path: "licences.html", viewport: NARROW }, async (page) => {
    const works = await page.locator("main li").allInnerTexts();
    for (const name of ["yew", "wasm-bindgen", "serde", "saphyr-parser", "miniz_oxide", "Rust's standard library", "@codemirror/view", "style-mod"]) {
      assert.ok(works.some((work) => work.startsWith(`${name} `)), name);
    }
    // What only the command line or the tests use is not in the page.
    for (const name of ["clap", "proptest", "anyhow"]) {
      assert.ok(!works.some((work) => work.startsWith(`${name} `)), name);
    }
    for (const link of await page.locator("main li a[href^='#']").all()) {
      const id = (await link.getAttribute("href")).slice(1);
      assert.equal(await page.locator(`[id="${id}"]`).count(), 1, id);
    }
    for (const text of await page.locator("pre").all()) {
      // The shortest only says which of the others hold.
      assert.ok((await text.textContent()).length > 100);
    }
    await axe(page);
    await noSidewaysScroll(page);
  }));

test("the page leads to them, and says its version", () =>
  withPage({}, async (page) => {
    await page.getByRole("button", { name: /^models Kubernetes/ }).click();
    const dialog = page.getByRole("dialog", { name: /how far to trust it/ });
    await dialog.getByText(/Lobby \d+\.\d+\.\d+/).waitFor();
    const link = dialog.getByRole("link", { name: /^Licences/ });
    const answer = await page.request.get(new URL(await link.getAttribute("href"), page.url()).href);
    assert.equal(answer.status(), 200);
  }));
