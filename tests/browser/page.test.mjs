// The page as a person uses it: send, step, break, repair, look. Every state that is visited is
// looked at by axe.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const scrubber = (page) => page.getByRole("slider", { name: "Hop" });
/** The scrubber takes the focus once there is a journey. */
const toScrubber = async (page) => {
  await page.locator(".hop").first().waitFor();
  await scrubber(page).focus();
};
const caption = (page) => page.locator(".caption");
const verdict = (page) => page.locator(".verdict > b");
const editor = (page) => page.getByRole("textbox", { name: "Manifests, YAML" });

/** Waits until CodeMirror has taken the textarea's place. */
const codeMirror = (page) => page.locator(".cm-content").waitFor({ state: "attached" });

/** Replaces the text of the editor by pasting. */
async function write(page, text) {
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+a");
  await editor(page).evaluate((field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}

/** The text that the editor has, without its marks. */
const written = (page) =>
  page.evaluate(() => localStorage.getItem("lobby.text"));

const start = async (page, title) => {
  await page.getByRole("button", { name: /^Start with/ }).click();
  await page.locator(".example", { has: page.getByText(title, { exact: true }) }).click();
};

test("a fresh page stands still until somebody acts, and one click sends a packet", () =>
  withPage({ motion: "no-preference" }, async (page) => {
    const moving = () => page.evaluate(() => document.getAnimations().length);
    await codeMirror(page);
    assert.equal(await moving(), 0);
    assert.match(await caption(page).innerText(), /Press Send/);
    await axe(page);

    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    assert.match(await caption(page).innerText(), /^Hop \d+ of \d+/);
    await page.getByRole("button", { name: "Pause" }).click();
    await axe(page);
  }));

test("it plays to the end by itself and says how it ended", () =>
  withPage({}, async (page) => {
    await page.getByRole("combobox", { name: "Speed" }).selectOption("4×");
    await send(page).click();
    const last = await page.locator(".hop").count();
    await page.locator(`.hop:nth-child(${last}).now`).waitFor();
    assert.match(await caption(page).innerText(), new RegExp(`^Hop ${last} of ${last}`));
    assert.match(await caption(page).textContent(), /Answered/);
    await page.getByRole("button", { name: "Play" }).waitFor();
    await axe(page);
  }));

test("keys walk the journey, and back is exact", () =>
  withPage({}, async (page) => {
    await send(page).click();
    await toScrubber(page);
    // A range that is at its start hears nothing of Home, and the journey would play on.
    await page.keyboard.press("End");
    await page.keyboard.press("Home");
    await caption(page).filter({ hasText: /^Hop 1 of/ }).waitFor();
    const journey = () => page.locator(".journey").innerText();
    const seen = [];
    const last = await page.locator(".hop").count();
    const at = (hop) => caption(page).filter({ hasText: new RegExp(`^Hop ${hop} of`) }).waitFor();
    for (let hop = 1; hop < last; hop += 1) {
      seen.push(await journey());
      await page.keyboard.press("ArrowRight");
      await at(hop + 1);
    }
    assert.equal(new Set(seen).size, seen.length, "every hop shows something of its own");
    for (let hop = last - 1; hop >= 1; hop -= 1) {
      await page.keyboard.press("ArrowLeft");
      await at(hop);
      assert.equal(await journey(), seen[hop - 1]);
    }
    await page.keyboard.press("End");
    await at(last);
    assert.match(await scrubber(page).getAttribute("aria-valuetext"), new RegExp(`^hop ${last} of ${last}, `));

    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Play" }).waitFor();
  }));

test("the transport's keys are its own: elsewhere they do what they always do", () =>
  withPage({}, async (page) => {
    await send(page).click();
    await toScrubber(page);
    // A range that is at its start hears nothing of Home, and the journey would play on.
    await page.keyboard.press("End");
    await page.keyboard.press("Home");
    await caption(page).filter({ hasText: /^Hop 1 of/ }).waitFor();
    const before = await caption(page).innerText();
    await page.getByRole("combobox", { name: "To", exact: true }).focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await caption(page).innerText(), before);
  }));

test("a selector that matches nothing: refused, with the cause and the line", () =>
  withPage({}, async (page) => {
    await codeMirror(page);
    const good = await page.evaluate(() => document.querySelector(".cm-content").innerText);
    await write(page, good.replace("app: frontend", "app: front-end"));
    await page.getByRole("status").filter({ hasText: /warning|valid/ }).waitFor();
    await page.keyboard.press("ControlOrMeta+Enter");
    await verdict(page).filter({ hasText: "Refused" }).waitFor();
    await toScrubber(page);
    await page.keyboard.press("End");
    await page.getByRole("heading", { name: "What to try" }).waitFor();
    await axe(page);
    await screenshot(page, "refused");
    await page.getByRole("button", { name: /^Show on line/ }).click();
    const line = await page.evaluate(() => getSelection().anchorNode.parentElement.closest(".cm-line").innerText);
    assert.match(line, /selector|front-end/);
  }));

test("a text that cannot be read: the place is said and the last good world goes on", () =>
  withPage({}, async (page) => {
    await codeMirror(page);
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    await write(page, "apiVersion: v1\nkind: Service\nmetadata:\n  name: x\n\tbroken: yes\n");
    await page.getByText("Not applied").waitFor();
    const finding = page.locator(".diagnostic.error").first();
    assert.match(await finding.innerText(), /line 5/);
    assert.ok((await page.locator(".cm-lintRange-error, .cm-lintPoint-error").count()) > 0, "it is underlined");
    await axe(page);

    // The world is the old one: the journey stands, and another one goes the same way.
    assert.equal(await verdict(page).innerText(), "Answered");
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();

    await finding.click();
    const line = await page.evaluate(() => getSelection().anchorNode.parentElement.closest(".cm-line").innerText);
    assert.match(line, /broken/);
  }));

test("undo brings the last text back", () =>
  withPage({}, async (page) => {
    await codeMirror(page);
    await write(page, "nonsense: [");
    await page.getByText("Not applied").waitFor();
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+z");
    await page.getByText("Not applied").waitFor({ state: "detached" });
  }));

const FLAT = `apiVersion: v1
kind: Service
metadata:
name: web
spec:
type: NodePort
selector:
app: web
ports:
- port: 80
targetPort: 8080
nodePort: 30081
---
apiVersion: v1
kind: Pod
metadata:
name: web
labels:
app: web
spec:
containers:
- name: web
image: nginx
ports:
- containerPort: 8080
`;

test("lost indentation is recognised in what is pasted, and repaired on request", () =>
  withPage({}, async (page) => {
    await codeMirror(page);
    await write(page, FLAT);
    const repair = page.getByRole("button", { name: "Repair indentation" });
    await repair.waitFor();
    await axe(page);
    await repair.click();
    await repair.waitFor({ state: "detached" });
    assert.match(await written(page), /\n {2}name: web\n/);
    assert.match(await written(page), /nodePort: 30081/);
    await send(page).click();
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
  }));

test("each example opens without an error, and its first packet gets an answer of some kind", () =>
  withPage({}, async (page) => {
    await codeMirror(page);
    const menu = page.getByRole("button", { name: /^Start with/ });
    await menu.click();
    await axe(page);
    const titles = await page.locator(".example b").allInnerTexts();
    assert.ok(titles.length >= 3);
    await page.keyboard.press("Escape");
    assert.equal(await menu.getAttribute("aria-expanded"), "false");
    for (const title of titles) {
      await start(page, title);
      const repair = page.getByRole("button", { name: "Repair indentation" });
      if (await repair.isVisible()) await repair.click();
      await send(page).click();
      await verdict(page).waitFor();
      await axe(page);
    }
  }));

test("a rule, a line and a thing in the picture light one another; a click pins, Escape releases", () =>
  withPage({}, async (page) => {
    await codeMirror(page);
    await send(page).click();
    await toScrubber(page);
    await page.keyboard.press("End");
    const rule = page.locator(".rl.dnat button").first();
    await rule.hover();
    await page.locator(".cm-line.lit.over").first().waitFor();
    await page.locator(".thing.lit").first().waitFor();
    assert.ok((await page.locator(".explain").innerText()).length > 0);

    await rule.click();
    await page.mouse.move(700, 5);
    await page.locator(".rl.pinned").waitFor();
    await page.locator(".cm-line.lit.over").first().waitFor();
    await axe(page);
    await page.keyboard.press("Escape");
    await page.locator(".rl.pinned").waitFor({ state: "detached" });
    await page.locator(".cm-line.lit.over").first().waitFor({ state: "detached" });

    await page.locator(".ob").first().hover();
    await page.locator(".thing.lit").first().waitFor();
    await page.locator(".rl.lit").first().waitFor();

    await page.locator(".cm-line", { hasText: "nodePort: 30080" }).hover();
    await page.locator(".rl.lit").first().waitFor();
  }));

test("rules: Node, table, search, the whole text, arrow keys", () =>
  withPage({}, async (page) => {
    await send(page).click();
    await toScrubber(page);
    await page.keyboard.press("End");
    const lines = page.locator(".rl button");
    const met = await lines.count();
    await page.locator(".rules").getByRole("radio", { name: "all", exact: true }).check();
    await page.waitForFunction((met) => document.querySelectorAll(".rl").length > met, met);
    assert.match(await page.locator(".cnt").innerText(), /\d+ hit · \d+ read of \d+/);
    await page.getByRole("searchbox", { name: "Search the rules" }).fill("30080");
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".rl")].every((line) => line.textContent.includes("30080")),
    );
    await page.getByRole("searchbox", { name: "Search the rules" }).fill("");
    await page.getByRole("combobox", { name: "Table" }).selectOption("filter");
    await page.getByRole("combobox", { name: "Node", exact: true }).selectOption("node-1");
    assert.match(await page.locator(".rlist ol").getAttribute("aria-label"), /node-1/);
    await lines.first().focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement === document.querySelectorAll(".rl button")[1]), true);
    await axe(page);
  }));

test("what cannot be sent says why", () =>
  withPage({}, async (page) => {
    const to = page.getByRole("combobox", { name: "To", exact: true });
    await to.fill("not an address");
    await send(page).click();
    await page.getByText("Not sent", { exact: true }).waitFor();
    await axe(page);
  }));

test("targets are chosen by keyboard from the list, or typed", () =>
  withPage({}, async (page) => {
    const to = page.getByRole("combobox", { name: "To", exact: true });
    await to.click();
    const options = page.getByRole("listbox").getByRole("option");
    await options.first().waitFor();
    await axe(page);
    await page.keyboard.press("ArrowDown");
    const first = await page.getByRole("listbox").getByRole("option", { selected: true }).locator(".mono").innerText();
    await page.keyboard.press("Enter");
    assert.equal(await to.inputValue(), first);
    assert.equal(await options.count(), 0);
    await page.keyboard.press("Enter");
    await verdict(page).waitFor();
  }));

test("skin, colours and motion are chosen, and kept for the next visit", () =>
  withPage({}, async (page) => {
    await send(page).click();
    await page.getByRole("radio", { name: "Cluster" }).check();
    await page.locator(".skin-cluster").waitFor();
    await axe(page);
    await page.getByRole("button", { name: "Colours and motion" }).click();
    await page.getByRole("radio", { name: "dark" }).check();
    await axe(page);
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.reload();
    await page.locator(".skin-cluster").waitFor();
    assert.equal(await background(), dark);
    await page.getByRole("button", { name: "Colours and motion" }).click();
    await page.getByRole("radio", { name: "light" }).check();
    await page.waitForFunction((dark) => getComputedStyle(document.body).backgroundColor !== dark, dark);
  }));

test("the keys are explained by the table that binds them", () =>
  withPage({}, async (page) => {
    await page.getByRole("button", { name: "Keys" }).click();
    const dialog = page.getByRole("dialog", { name: "Keys" });
    await dialog.waitFor();
    assert.ok((await dialog.getByRole("definition").count()) >= 7);
    await axe(page);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  }));

test("a seed gives the same world again, another one another", () =>
  withPage({}, async (page) => {
    const told = async () => {
      await send(page).click();
      await verdict(page).waitFor();
      await toScrubber(page);
      await page.keyboard.press("End");
      return page.locator(".journey").innerText();
    };
    const first = await told();
    await page.reload();
    assert.equal(await told(), first);
    await page.getByRole("button", { name: /^Cluster settings/ }).click();
    await page.getByRole("button", { name: "Draw a new seed" }).click();
    await page.locator(".settings-line").filter({ hasText: /^lab seed \d+$/ }).waitFor();
    await page.getByRole("button", { name: "Apply" }).click();
    await page.locator(".note").filter({ hasText: /lab seed \d+/ }).waitFor();
    assert.notEqual(await told(), first);
  }));

test("without the editor's bundle the textarea does the work", () =>
  withPage(
    {
      mayLog: /editor\.js|Failed to load/,
      before: (page) => page.route("**/editor.js", (route) => route.abort()),
    },
    async (page) => {
      const area = editor(page);
      const text = await area.inputValue();
      await area.fill(`${text}\n\tbroken`);
      await page.getByText("Not applied").waitFor();
      await axe(page);
      await page.locator(".diagnostic.error").first().click();
      assert.ok(await area.evaluate((area) => document.activeElement === area && area.selectionStart > 0));
      await area.fill(text);
      await send(page).click();
      await verdict(page).filter({ hasText: "Answered" }).waitFor();
    },
  ));

test("where storage is forbidden nothing is kept and everything works", () =>
  withPage(
    {
      before: (page) =>
        page.addInitScript(() =>
          Object.defineProperty(globalThis, "localStorage", {
            get() {
              throw new DOMException("denied", "SecurityError");
            },
          }),
        ),
    },
    async (page) => {
      await page.getByRole("radio", { name: "Cluster" }).check();
      await send(page).click();
      await verdict(page).waitFor();
    },
  ));

for (const [name, viewport] of Object.entries({ phone: PHONE, narrow: NARROW })) {
  test(`one column, by touch: ${name}`, () =>
    withPage({ viewport, touch: true }, async (page) => {
      await noSidewaysScroll(page);
      await send(page).tap();
      await verdict(page).filter({ hasText: "Answered" }).waitFor();
      await page.getByRole("button", { name: "Next hop" }).tap();
      await axe(page);
      await noSidewaysScroll(page);
      await screenshot(page, `journey-${name}`);

      for (const tab of ["Rules", "Names", "Manifests"]) {
        await page.getByRole("tab", { name: tab }).tap();
        if (tab === "Manifests") await page.locator(".cm-content").waitFor();
        await axe(page);
        await noSidewaysScroll(page);
        await screenshot(page, `${tab.toLowerCase()}-${name}`);
      }
      await page.getByRole("tab", { name: "Journey" }).tap();

      await page.getByRole("button", { name: "Menu" }).tap();
      await axe(page);
      await noSidewaysScroll(page);
      await page.keyboard.press("Escape");

      const summary = page.locator(".send-summary");
      await summary.tap();
      await page.getByRole("combobox", { name: "From" }).waitFor();
      await axe(page);
      await noSidewaysScroll(page);

      // WCAG 2.5.5: what is touched is 44 px high, or stands in running text.
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("main button, main select, main input, [role=tab]")]
          .filter((control) => control.offsetParent && control.type !== "range" && !control.closest(".canvas"))
          .filter((control) => (control.closest("label") ?? control).getBoundingClientRect().height < 43.5)
          .map((control) => control.getAttribute("aria-label") ?? control.innerText),
      );
      assert.deepEqual(small, []);
    }));
}

for (const theme of ["light", "dark"]) {
  test(`forced colours, ${theme}: what is chosen and where the packet is can be seen`, () =>
    withPage({ theme, forcedColors: "active" }, async (page) => {
      await send(page).click();
      await verdict(page).waitFor();
      await axe(page);
      await screenshot(page, `forced-${theme}`);
    }));
}
