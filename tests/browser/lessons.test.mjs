// The course on the page: three lessons played by hand, the marks that stay, a lesson that was
// pasted, and all of it by keyboard and on a phone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

const panel = (page) => page.locator("#lesson");
const button = (page, name) => panel(page).getByRole("button", { name, exact: true });
const step = (page, title) => panel(page).getByRole("heading", { name: title, level: 3 });

/** Opens a lesson from the list. */
async function open(page, title) {
  const lessons = page.getByRole("button", { name: "Lessons", exact: true });
  await ((await lessons.count()) ? lessons : page.getByRole("button", { name: "Menu" })).click();
  await page.locator(".lessons .example", { hasText: title }).click();
  await panel(page).getByRole("heading", { name: title, level: 2 }).waitFor();
}

/** What the last check said. */
const said = (page) => panel(page).locator(".lesson-checked");

/** The text of the editor, put there as by a person who pastes. */
async function paste(page, text) {
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+A");
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    const target = document.querySelector(".cm-content");
    target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
}

test("the first lesson, from the first step to the mark in the list", () =>
  withPage({}, async (page) => {
    await open(page, "Why Services were born");
    await step(page, "A hotel without a desk").waitFor();
    await axe(page);
    await screenshot(page, "lesson-start");
    // What the step wants tried is tried on the stage.
    await panel(page).getByRole("button", { name: "Try this line" }).click();
    await page.locator(".verdict > b").filter({ hasText: "Answered" }).waitFor();
    await button(page, "Check this step").click();
    await said(page).filter({ hasText: "It is so." }).waitFor();

    await button(page, "Next step").click();
    // Nothing to try before the guess.
    assert.equal(await panel(page).locator(".lesson-actions").count(), 0);
    await panel(page).getByRole("radio", { name: /^The old one/ }).check();
    await panel(page).locator(".lesson-answer.wrong").waitFor();
    await panel(page).locator(".lesson-answer.right").filter({ hasText: "One of its own" }).waitFor();
    await axe(page);
    await screenshot(page, "lesson-predict");
    await panel(page).getByRole("button", { name: "Try this line" }).first().click();
    await button(page, "Check this step").click();
    await said(page).filter({ hasText: "It is so." }).waitFor();

    await button(page, "Next step").click();
    await button(page, "Next step").click();
    await button(page, "To the task").click();
    await button(page, "Check").click();
    await said(page).filter({ hasText: "Service backend is there" }).waitFor();
    await axe(page);
    await screenshot(page, "lesson-difference");
    await button(page, "Hint 1 of 3").click();
    await button(page, "Hint 2 of 3").click();
    assert.equal(await panel(page).locator(".lesson-hints > li").count(), 2);
    await button(page, "Show a solution").click();
    await panel(page).getByRole("button", { name: "Do this edit" }).click();
    await page.locator(".cm-content").filter({ hasText: "kind: Service" }).waitFor();
    await button(page, "Check").click();
    await said(page).filter({ hasText: "the goal is met" }).waitFor();

    // What people say is tested in a lab of its own.
    await panel(page).getByRole("button", { name: /Put it to the test.*A Pod that dies/ }).click();
    await panel(page).getByText("Tested just now").first().waitFor();
    await axe(page);
    await screenshot(page, "lesson-done");

    // The mark stays, until it is cleared.
    await page.reload();
    await page.getByRole("button", { name: "Lessons", exact: true }).click();
    const first = page.locator(".lessons > li").first();
    await first.getByText("done", { exact: true }).waitFor();
    const index = await page.evaluate(() => fetch("lessons/index.json").then((file) => file.json()));
    assert.ok(index.lessons.length >= 26);
    assert.equal(await page.locator(".lessons > li").count(), index.lessons.length);
    await axe(page);
    await screenshot(page, "lesson-list");
    await page.getByRole("button", { name: "Clear my marks" }).click();
    await first.getByText("done", { exact: true }).waitFor({ state: "detached" });
  }));

test("a lesson by keyboard alone, mended in the editor, and on to the next", () =>
  withPage({ theme: "dark" }, async (page) => {
    await open(page, "Labels and the desk's list");
    await button(page, "Show me without a guess").focus();
    await page.keyboard.press("Enter");
    await panel(page).locator(".lesson-answer.right").waitFor();
    await panel(page).getByRole("button", { name: "The task" }).focus();
    await page.keyboard.press("Enter");
    await button(page, "Check").focus();
    await page.keyboard.press("Enter");
    await said(page).filter({ hasText: "ready in the list of Service frontend: 3" }).waitFor();
    const text = await page.evaluate(() => fetch("lessons/02-labels.yaml").then((file) => file.text()));
    const manifests = text
      .split("manifests: |\n")[1]
      .split("\nsteps:")[0]
      .replace(/^ {4}/gm, "");
    await paste(page, manifests.replace("app: front-end\n", "app: frontend\n"));
    await button(page, "Check").focus();
    await page.keyboard.press("Enter");
    await said(page).filter({ hasText: "the goal is met" }).waitFor();
    await axe(page);
    await screenshot(page, "lesson-labels");
    await panel(page).getByRole("button", { name: /^Next lesson/ }).focus();
    await page.keyboard.press("Enter");
    await panel(page).getByRole("heading", { name: "port, targetPort, nodePort, containerPort", level: 2 }).waitFor();
  }));

test("a lesson on a phone, whose solution is a console line", () =>
  withPage({ viewport: PHONE }, async (page) => {
    await open(page, "LoadBalancer, the main entrance");
    await axe(page);
    await noSidewaysScroll(page);
    await screenshot(page, "lesson-phone");
    await panel(page).getByRole("button", { name: "The task" }).click();
    await button(page, "Check").click();
    await said(page).filter({ hasText: "load balancers are built by MetalLB" }).waitFor();
    await button(page, "Show a solution").click();
    await panel(page).getByRole("button", { name: "Do this line" }).click();
    await button(page, "Check").click();
    await said(page).filter({ hasText: "the goal is met" }).waitFor();
    await axe(page);
    await noSidewaysScroll(page);
    await screenshot(page, "lesson-phone-done");
  }));

test("a pasted lesson is previewed, and its mistakes are told with their places", () =>
  withPage({}, async (page) => {
    const text = await page.evaluate(() => fetch("lessons/25-ping.yaml").then((file) => file.text()));
    await paste(page, text.replace("title: A ping", "titel: A ping"));
    await panel(page).getByText("unknown field \"titel\"").waitFor();
    await panel(page).getByText("did you mean title?").waitFor();
    await panel(page).getByRole("button", { name: "line 5" }).waitFor();
    await axe(page);
    await screenshot(page, "lesson-mistake");
    await paste(page, text);
    await button(page, "Preview the lesson").click();
    await panel(page).getByRole("heading", { name: "A ping that does not answer", level: 2 }).waitFor();
    await axe(page);
    await screenshot(page, "lesson-preview");
    await button(page, "Back to the lesson's text").click();
    await button(page, "Preview the lesson").waitFor();
  }));

test("at 320 pixels a lesson needs no sideways scrolling", () =>
  withPage({ viewport: NARROW }, async (page) => {
    await open(page, "The hotel's directory");
    await noSidewaysScroll(page);
    await axe(page);
  }));
