// Each type of Service and each verdict, walked from the first hop to the last by mouse, by keyboard
// and by touch. One world has them all, so a page is opened once for each way of input.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, axe, withPage } from "./harness.mjs";
import { WORLDS } from "./stage-worlds.mjs";

const client = "client";

/** Who asks, for what, how it ends, and what the stage says that it shows. */
const CASES = [
  { what: "ClusterIP", from: client, to: "http://backend", ends: "Answered", open: /Desk backend: Service in default, ClusterIP/ },
  { what: "NodePort", from: "laptop", to: "node-2:30080", ends: "Answered", open: /Desk frontend: Service in default, NodePort/ },
  { what: "LoadBalancer", from: "internet", to: "http://203.0.113.140", ends: "Answered", open: /Desk shop: Service in default, LoadBalancer/ },
  { what: "ExternalName", from: client, to: "http://partner", ends: "Wrong answer", open: /Desk partner: Service in default, ExternalName/ },
  { what: "headless", from: client, to: "db:5432", ends: "Answered", open: /Desk db: Service in default, headless/ },
  { what: "selectorless", from: client, to: "http://legacy", ends: "Answered", open: /Desk legacy: Service in default/ },
  { what: "no endpoints", from: client, to: "http://nobody", ends: "Refused", open: /Desk nobody: Service in default/ },
  { what: "a port that no rule has", from: client, to: "backend:81", ends: "Timed out" },
  { what: "an address that no Pod has", from: client, to: "10.244.2.99:8080", ends: "Unreachable" },
  { what: "a name that nobody has", from: client, to: "http://nowhere", ends: "No such name" },
];

const from = (page) => page.getByRole("combobox", { name: "From", exact: true });
const to = (page) => page.getByRole("combobox", { name: "To", exact: true });
const option = (page, name) => page.getByRole("option", { name: new RegExp(`\\b${name}\\b`) }).first();
const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const next = (page) => page.getByRole("button", { name: "Next hop" });
/** Where a control is; it stays there, so it need not be looked for again. */
async function middle(control) {
  const { x, y, width, height } = await control.boundingBox();
  return [x + width / 2, y + height / 2];
}
const scrubber = (page) => page.getByRole("slider", { name: "Hop" });

/** Three ways to ask and to go on. */
const HANDS = {
  mouse: {
    options: { viewport: DESKTOP },
    async ask(page, one) {
      if ((await from(page).inputValue()) !== one.from) {
        await from(page).click();
        await from(page).fill(one.from);
        await option(page, one.from).click();
      }
      await to(page).click();
      await to(page).fill(one.to);
      // The list is open over the stage; a click elsewhere closes it.
      await page.keyboard.press("Escape");
      await send(page).click();
    },
    async begin(page) {
      const at = await middle(next(page));
      return () => page.mouse.click(...at);
    },
  },
  keyboard: {
    options: { viewport: DESKTOP },
    async ask(page, one) {
      await from(page).focus();
      if ((await from(page).inputValue()) !== one.from) {
        await page.keyboard.press("ControlOrMeta+a");
        await page.keyboard.type(one.from);
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Enter");
      }
      await page.keyboard.press("Tab");
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.type(one.to);
      await page.keyboard.press("Escape");
      await page.keyboard.press("Enter");
    },
    async begin(page) {
      await scrubber(page).focus();
      await page.keyboard.press("Home");
      return () => page.keyboard.press("ArrowRight");
    },
  },
  touch: {
    options: { viewport: PHONE, touch: true },
    async ask(page, one) {
      const summary = page.locator(".send-summary");
      if ((await summary.getAttribute("aria-expanded")) === "false") await summary.tap();
      await to(page).waitFor();
      if ((await from(page).inputValue()) !== one.from) {
        await from(page).tap();
        await from(page).fill(one.from);
        await option(page, one.from).tap();
      }
      await to(page).tap();
      await to(page).fill(one.to);
      await page.keyboard.press("Escape");
      await send(page).tap();
    },
    async begin(page) {
      const at = await middle(next(page));
      return () => page.touchscreen.tap(...at);
    },
  },
};

const caption = (page) => page.locator(".caption").innerText();

for (const [hand, { options, ask, begin }] of Object.entries(HANDS)) {
  test(`each type of Service and each verdict, by ${hand}`, (t) =>
    withPage(
      {
        ...options,
        before: (page) => page.addInitScript((text) => localStorage.setItem("lobby.text", text), WORLDS.each),
      },
      async (page) => {
        for (const one of CASES) {
          await t.test(`${one.what}: ${one.ends}`, async () => {
            await ask(page, one);
            await page.locator(".verdict > b", { hasText: one.ends }).waitFor();
            const onward = await begin(page);
            const heard = [await caption(page)];
            const last = Number(heard[0].match(/^Hop \d+ of (\d+)/)?.[1]);
            assert.ok(last > 0, `the first hop says which it is: ${heard[0]}`);
            for (let step = 0; step <= last && !heard.at(-1).startsWith(`Hop ${last} of`); step += 1) {
              await onward();
              const before = heard.at(-1);
              await page.waitForFunction((before) => document.querySelector(".caption").innerText !== before, before);
              heard.push(await caption(page));
            }
            const hops = heard.map((text) => Number(text.match(/^Hop (\d+) of/)[1]));
            assert.equal(hops.at(-1), last, heard.join("\n"));
            assert.ok(hops.every((hop, i) => i === 0 || hop >= hops[i - 1]), `onward only: ${hops}`);
            assert.equal(await page.locator(".verdict > b").innerText(), one.ends);
            if (one.open) assert.match(await page.locator(".stage-list").innerText(), one.open);
            if (one.ends !== "Answered") {
              await page.locator(".refword", { hasText: one.ends }).waitFor({ state: "attached" });
              await page.getByRole("heading", { name: "What to try" }).waitFor();
            }
          });
        }
        await axe(page);
      },
    ));
}
