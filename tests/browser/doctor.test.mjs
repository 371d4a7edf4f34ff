// The doctor on the page: what is wrong, the badge on its tab, the underlined line, the fix that is
// applied and taken back, the proof that is walked on the stage.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

const WRONG_SELECTOR = "Refused: a selector that matches nothing";
const WRONG_PORT = "Refused: a port that nobody listens on";

const panel = (page) => page.locator("#doctor");
const tab = (page) => page.getByRole("tab", { name: /^Doctor/ });
const finding = (page) => panel(page).locator(".finding");
const status = (page) => panel(page).getByRole("status");
const editor = (page) => page.locator(".cm-content");

/** One of the worlds of the start menu, open at the doctor. */
async function open(page, title) {
  await page.getByRole("button", { name: /^(Start with|Menu)/ }).first().click();
  await page.locator(".example", { has: page.getByText(title, { exact: true }) }).click();
  await tab(page).click();
}

test("a world without faults says so, and has no badge", () =>
  withPage({}, async (page) => {
    await tab(page).click();
    await status(page).filter({ hasText: "nothing wrong" }).waitFor();
    assert.equal(await tab(page).locator(".badge").count(), 0);
    await axe(page);
  }));

test("a selector that matches nothing: found, underlined, mended, and taken back", () =>
  withPage({}, async (page) => {
    await open(page, WRONG_SELECTOR);
    await status(page).filter({ hasText: "1 error" }).waitFor();
    await tab(page).filter({ hasText: "1" }).waitFor();
    const first = finding(page).first();
    assert.match(await first.innerText(), /Service default\/frontend-service/);
    assert.match(await first.innerText(), /spec\.selector/);
    assert.match(await first.innerText(), /has no endpoints/);
    const changed = await first.locator("pre .less, pre .more").allInnerTexts();
    assert.deepEqual(changed.map((line) => line.trimEnd()), ["-    app: front-end", "+    app: frontend"]);
    await page.locator(".cm-lintRange-error").first().waitFor();
    await axe(page);
    await screenshot(page, "doctor-found");

    // The line is shown in the editor.
    await first.getByRole("button", { name: /^Show line/ }).click();
    await page.waitForFunction(() => document.activeElement?.classList.contains("cm-content"));

    await first.getByRole("button", { name: /^Apply/ }).click();
    await status(page).filter({ hasText: "nothing wrong" }).waitFor();
    assert.match(await editor(page).innerText(), /app: frontend\n/);
    assert.equal(await page.locator(".cm-lintRange-error").count(), 0);
    await axe(page);

    // It is one step of the editor's undo.
    await editor(page).click();
    await page.keyboard.press("Control+z");
    await status(page).filter({ hasText: "1 error" }).waitFor();
    assert.match(await editor(page).innerText(), /app: front-end\n/);
  }));

test("the proof is walked on the stage, by keyboard", () =>
  withPage({ theme: "dark" }, async (page) => {
    await open(page, WRONG_PORT);
    const replay = finding(page).first().getByRole("button", { name: "Walk it on the stage" });
    await replay.focus();
    await page.keyboard.press("Enter");
    await page.locator(".verdict > b").filter({ hasText: "Refused" }).waitFor();
    await axe(page);
    await screenshot(page, "doctor-walked-dark");
  }));

test("notes can be hidden", () =>
  withPage({}, async (page) => {
    await open(page, "LoadBalancer: the main entrance");
    await panel(page).getByRole("heading", { name: /^Notes/ }).waitFor();
    assert.match(await finding(page).first().innerText(), /<pending>/);
    await panel(page).getByRole("checkbox", { name: "Notes" }).uncheck();
    await panel(page).getByRole("heading", { name: /^Notes/ }).waitFor({ state: "detached" });
    await axe(page);
  }));

for (const [name, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE, narrow: NARROW })) {
  test(`the findings fit: ${name}`, () =>
    withPage({ viewport, touch: viewport !== DESKTOP }, async (page) => {
      await open(page, WRONG_PORT);
      await finding(page).first().waitFor();
      await noSidewaysScroll(page);
      await axe(page);
      await screenshot(page, `doctor-${name}`);
    }));
}
