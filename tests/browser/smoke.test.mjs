// The page opens, in every theme and size, without an error, a request elsewhere or a barrier.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

const SIZES = { "1440": DESKTOP, "390": PHONE, "320": NARROW };

for (const theme of ["light", "dark"]) {
  for (const [width, viewport] of Object.entries(SIZES)) {
    test(`opens: ${theme}, ${width} px`, () =>
      withPage({ theme, viewport }, async (page) => {
        assert.match(await page.title(), /Lobby/);
        await axe(page);
        await noSidewaysScroll(page);
        await screenshot(page, `open-${theme}-${width}`);
      }));
  }
}

test("the Content-Security-Policy allows no script that was not served", () =>
  withPage({ mayLog: /Content Security Policy/ }, async (page) => {
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.head.append(script);
      return "ran" in globalThis;
    });
    assert.equal(ran, false);
  }));

test("what a browser without WebAssembly shows is a sentence", () =>
  withPage(
    {
      mayLog: /./,
      before: (page) => page.addInitScript(() => delete globalThis.WebAssembly),
      waitFor: "[role=alert]",
    },
    async (page) => {
      const said = await page.getByRole("alert").innerText();
      assert.match(said, /could not start/);
    },
  ));
