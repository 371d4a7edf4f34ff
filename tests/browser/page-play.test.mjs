// The page as a thing to play with: its frame, many requests, what can be broken and mended, time, the
// cluster's settings, what happens when the lab itself breaks. Every state is looked at by axe.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, PHONE, axe, noSidewaysScroll, withPage } from "./harness.mjs";

const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const verdict = (page) => page.locator(".verdict > b");
const note = (page, text) => page.locator(".note").filter({ hasText: text }).waitFor();
const edge = (page, name) => page.getByRole("separator", { name });
const wide = (page, id) => page.locator(`#${id}`).evaluate((panel) => panel.getBoundingClientRect().width);
const high = (page, id) => page.locator(`#${id}`).evaluate((panel) => panel.getBoundingClientRect().height);
const settings = (page) => page.getByRole("button", { name: /^Cluster settings/ });

/** Time passes by itself until nothing more happens; then its bar goes. */
const rest = (page) => page.getByRole("group", { name: "Time" }).waitFor({ state: "detached" });

/** Opens the menu of what can be broken, and chooses. */
async function breakIt(page, text) {
  await page.getByRole("button", { name: "Break something" }).click();
  await page.locator(".example").filter({ hasText: text }).click();
}

test("edges move by pointer and by keys, fold, and are kept", () =>
  withPage({}, async (page) => {
    const left = edge(page, "Width of the manifests");
    const before = await wide(page, "manifests");
    const box = await left.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + 300);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 80, box.y + 320, { steps: 4 });
    await page.mouse.up();
    assert.equal(Math.round(await wide(page, "manifests")), Math.round(before + 80));
    await axe(page);

    await left.focus();
    await page.keyboard.press("ArrowLeft");
    assert.equal(Math.round(await wide(page, "manifests")), Math.round(before + 64));
    const right = edge(page, "Width of the inspector");
    const was = await wide(page, "journey");
    await right.focus();
    await page.keyboard.press("ArrowLeft");
    assert.equal(Math.round(await wide(page, "journey")), Math.round(was + 16));
    const lower = edge(page, "Height of the lower inspector");
    const tall = await high(page, "rules");
    await lower.focus();
    await page.keyboard.press("ArrowUp");
    assert.equal(Math.round(await high(page, "rules")), Math.round(tall + 16));
    assert.equal(await lower.getAttribute("aria-valuenow"), String(Number(await lower.getAttribute("aria-valuenow"))));

    await left.focus();
    await page.keyboard.press("Enter");
    await page.locator("#manifests").waitFor({ state: "hidden" });
    await axe(page);
    await page.reload();
    await page.locator("main").waitFor();
    assert.equal(await page.locator("#manifests").isVisible(), false);
    await page.getByRole("button", { name: "Manifests panel" }).click();
    assert.equal(Math.round(await wide(page, "manifests")), Math.round(before + 64));

    await lower.focus();
    await page.keyboard.press("Enter");
    await page.locator("#rules").waitFor({ state: "hidden" });
    await axe(page);
    await page.getByRole("tab", { name: "Names" }).click();
    await page.locator("#names").waitFor();
    await noSidewaysScroll(page);
  }));

test("a window that turns keeps what the editor holds, and its history", () =>
  withPage({}, async (page) => {
    await page.locator(".cm-content").waitFor();
    await page.getByRole("textbox", { name: "Manifests, YAML" }).click();
    await page.keyboard.type("# mine\n");
    await page.setViewportSize({ width: 900, height: 1000 });
    await page.getByRole("tab", { name: "Manifests" }).click();
    assert.match(await page.locator(".cm-content").innerText(), /# mine/);
    await page.locator(".cm-content").click();
    // However the typing was cut into steps: its history is that of before.
    const mine = () => page.locator(".cm-content").innerText();
    for (let step = 0; step < 10 && (await mine()).includes("#"); step += 1) {
      await page.keyboard.press("ControlOrMeta+z");
    }
    assert.doesNotMatch(await mine(), /#/);
    await axe(page);
  }));

test("many requests: a table beside what was promised, and whether the difference is chance", () =>
  withPage({}, async (page) => {
    await page.getByRole("combobox", { name: "How many" }).selectOption("×1000");
    await send(page).click();
    const tally = page.getByRole("region", { name: "1000 requests" });
    await tally.waitFor();
    const got = await tally.locator("tbody tr td:nth-child(2)").allInnerTexts();
    assert.ok(got.length >= 2);
    assert.equal(got.map(Number).reduce((sum, count) => sum + count), 1000);
    assert.deepEqual(await tally.locator("tbody tr td:nth-child(4)").allInnerTexts(), got.map(() => String(1000 / got.length)));
    await tally.getByText("as promised", { exact: true }).waitFor();
    await axe(page);
    // One again, and it is a journey.
    await page.getByRole("combobox", { name: "How many" }).selectOption("×1");
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
  }));

test("a ping has no port, and a virtual address does not answer it", () =>
  withPage({}, async (page) => {
    await page.getByRole("combobox", { name: "Protocol" }).selectOption("ping");
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    await axe(page);
  }));

test("keep-alive: the next request takes the connection that is there, and meets no rule", () =>
  withPage({}, async (page) => {
    await page.getByRole("checkbox", { name: "keep-alive" }).check();
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    const told = () => page.locator(".journey").innerText();
    const first = await told();
    await send(page).click();
    await page.waitForFunction((first) => document.querySelector(".journey").innerText !== first, first);
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    await axe(page);
  }));

test("the sender is searched by keyboard, and only one that is there is taken", () =>
  withPage({}, async (page) => {
    const from = page.getByRole("combobox", { name: "From" });
    await from.click();
    await page.keyboard.type("node-2");
    await axe(page);
    await page.keyboard.press("Enter");
    assert.equal(await from.inputValue(), "node-2");
    await from.fill("nobody");
    await page.getByRole("combobox", { name: "To", exact: true }).focus();
    assert.equal(await from.inputValue(), "node-2");
    await send(page).click();
    await verdict(page).waitFor();
    assert.match(await page.locator(".hop").first().innerText(), /node-2/);
  }));

test("what is broken is named, shown by the next request, and mended", () =>
  withPage({}, async (page) => {
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    await breakIt(page, "typing error in the selector");
    await note(page, /kubectl patch service/);
    await rest(page);
    await send(page).click();
    await verdict(page).filter({ hasText: "Refused" }).waitFor();
    await axe(page);
    await page.getByRole("button", { name: "Break something" }).click();
    await axe(page);
    await page.getByRole("button", { name: "Mend everything" }).click();
    await note(page, /lab reset/);
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
  }));

test("undo says what it takes back; in a text Ctrl Z is the text's own", () =>
  withPage({}, async (page) => {
    const undo = page.getByRole("button", { name: /^Take back/ });
    assert.equal(await undo.isDisabled(), true);
    await breakIt(page, "is deleted");
    await page.getByRole("button", { name: "Take back: kubectl delete service frontend-service" }).click();
    await note(page, "Taken back: kubectl delete service frontend-service");
    await page.getByRole("button", { name: "Do again: kubectl delete service frontend-service" }).click();
    await note(page, "Done again");
    await page.locator("main").focus();
    await page.keyboard.press("ControlOrMeta+z");
    await note(page, "Taken back");
    await page.keyboard.press("ControlOrMeta+Shift+z");
    await note(page, "Done again");
    await page.getByRole("combobox", { name: "To", exact: true }).focus();
    await page.keyboard.press("ControlOrMeta+z");
    assert.equal(await undo.isDisabled(), false);
    await axe(page);
  }));

test("time: held, one event further, until rest", () =>
  withPage({}, async (page) => {
    await breakIt(page, "fail their readiness probe");
    const time = page.getByRole("group", { name: "Time" });
    await time.waitFor();
    await time.getByRole("button", { name: "Hold time" }).click();
    await axe(page);
    const before = await time.locator(".time-next").innerText();
    await page.waitForTimeout(700);
    assert.equal(await time.locator(".time-next").innerText(), before, "time is held");
    let events = 0;
    while (await time.isVisible()) {
      await time.getByRole("button", { name: "To the next event" }).click();
      events += 1;
      assert.ok(events < 50);
    }
    assert.ok(events > 1, "more than one thing happens: the lists first, then the rules");
    await send(page).click();
    await verdict(page).filter({ hasText: "Refused" }).waitFor();
  }));

test("the cluster's settings are one line, whose effect is said", () =>
  withPage({}, async (page) => {
    await settings(page).click();
    const dialog = page.getByRole("dialog", { name: "The cluster" });
    await dialog.getByRole("combobox", { name: "Mode" }).selectOption("ipvs");
    await dialog.getByRole("combobox", { name: "Scheduler" }).selectOption("lc");
    await dialog.getByRole("checkbox", { name: "masquerade all" }).check();
    await dialog.getByRole("textbox", { name: "Zone of node-1" }).fill("east");
    await dialog.getByRole("textbox", { name: "Seed" }).focus();
    assert.match(
      await dialog.locator(".settings-line").innerText(),
      /lab proxy --mode ipvs --scheduler lc --masquerade-all && kubectl label node node-1 .*=east/,
    );
    await axe(page);
    await dialog.getByRole("button", { name: "Apply" }).click();
    await note(page, /node-1: \d+ → \d+ rules/);
    await page.getByRole("button", { name: /^Cluster settings, proxy mode ipvs/ }).waitFor();
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    await axe(page);
    await page.getByRole("button", { name: /^Take back: lab proxy/ }).click();
    await page.getByRole("button", { name: /^Cluster settings, proxy mode iptables/ }).waitFor();
  }));

test("another Node, by Enter in its field", () =>
  withPage({}, async (page) => {
    await settings(page).click();
    const nodes = page.getByRole("textbox", { name: "Nodes" });
    await nodes.fill("a b c d");
    await nodes.press("Enter");
    await note(page, "lab nodes a b c d");
    await page.waitForFunction(() => document.querySelector("#rules select, .rules select").options.length === 4);
  }));

test("a clean slate is empty, and an example fills it again", () =>
  withPage({}, async (page) => {
    await page.getByRole("button", { name: /^Start with/ }).click();
    await page.getByRole("button", { name: "Clean slate" }).click();
    await page.getByText("No object in the text.").waitFor();
    await axe(page);
    await page.getByRole("button", { name: "Break something" }).click();
    await page.getByText("No Service has a Pod to lose.").waitFor();
  }));

test("the trust line says what is modelled, what is not, and how it was checked", () =>
  withPage({}, async (page) => {
    await page.getByRole("button", { name: /^models Kubernetes/ }).click();
    const dialog = page.getByRole("dialog", { name: /how far to trust it/ });
    await dialog.waitFor();
    assert.match(await dialog.innerText(), /NetworkPolicy/);
    assert.match(await dialog.innerText(), /Nothing leaves the browser/);
    assert.ok((await dialog.locator("tbody tr").count()) >= 5);
    await axe(page);
  }));

test("when the lab breaks the page says so and goes on from the last good world", () =>
  withPage({ mayLog: /unreachable|panicked/ }, async (page) => {
    await page.locator(".cm-content").waitFor();
    await page.getByRole("textbox", { name: "Manifests, YAML" }).click();
    await page.keyboard.press("ControlOrMeta+Home");
    await page.keyboard.type("# good\n");
    await page.waitForFunction(() => localStorage.getItem("lobby.text")?.includes("# good"));
    const line = page.getByRole("combobox", { name: /^Command line/ });
    await line.fill("kubectl scale deployment frontend --replicas=1");
    await line.press("Enter");
    await page.waitForFunction(() => sessionStorage.getItem("lobby.good.story")?.includes("--replicas=1"));
    // A trap in the middle of the WebAssembly's work: what it draws with fails, and it panics.
    await page.evaluate(() => {
      const { createElement, createElementNS } = Document.prototype;
      const fail = () => {
        Object.assign(Document.prototype, { createElement, createElementNS });
        throw new Error("none left");
      };
      Object.assign(Document.prototype, { createElement: fail, createElementNS: fail });
    });
    await send(page).click();
    await page.getByRole("alert").waitFor();
    await axe(page);
    await page.getByRole("button", { name: "Go on from the last good world" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.locator(".cm-content", { hasText: "# good" }).waitFor();
    // What was done is done again.
    await line.fill("kubectl get deployment frontend");
    await line.press("Enter");
    await page.waitForFunction(() => /^frontend +\S+ +1 /m.test(document.querySelector("[role=log]").innerText));
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
  }));

for (const [name, viewport] of Object.entries({ phone: PHONE, narrow: NARROW })) {
  test(`breaking, time and settings by touch: ${name}`, () =>
    withPage({ viewport, touch: true }, async (page) => {
      await page.getByRole("button", { name: "Menu" }).tap();
      await page.locator(".example").filter({ hasText: "fail their readiness probe" }).tap();
      await page.getByRole("group", { name: "Time" }).waitFor();
      await axe(page);
      await noSidewaysScroll(page);
      await rest(page);
      await send(page).tap();
      await verdict(page).filter({ hasText: "Refused" }).waitFor();
      await page.getByRole("button", { name: /^Take back/ }).tap();
      await note(page, "Taken back");
      await page.getByRole("button", { name: "Menu" }).tap();
      await settings(page).tap();
      await page.getByRole("dialog", { name: "The cluster" }).waitFor();
      await axe(page);
      await noSidewaysScroll(page);
    }));
}
