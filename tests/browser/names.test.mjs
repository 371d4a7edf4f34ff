// Names on the page: a name in another namespace, each question of it, the files of a client, the
// zone, and an ExternalName that leads to a host which does not know it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

const TITLE = "Names: two namespaces and the world outside";

const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const to = (page) => page.getByRole("combobox", { name: "To", exact: true });
const verdict = (page) => page.locator(".verdict > b");
const panel = (page) => page.locator("#names");
const rows = (page) => panel(page).locator(".names-rows > li");

/** The world with two namespaces, open at the names. */
async function open(page) {
  await page.getByRole("button", { name: /^(Start with|Menu)/ }).first().click();
  await page.locator(".example", { has: page.getByText(TITLE, { exact: true }) }).click();
  await page.getByRole("tab", { name: "Names" }).click();
}

/** Types a target over the one that is there, and sends. */
async function sendTo(page, target) {
  await to(page).fill(target);
  await page.keyboard.press("Escape");
  await send(page).click();
}

/** Each question as it reads: `backend.front.svc.cluster.local. A NXDOMAIN`. */
async function questions(page) {
  const lines = await rows(page).locator(".names-q").evaluateAll((found) =>
    found.map((line) => [...line.children].slice(1).map((part) => part.textContent).join(" ")),
  );
  return lines;
}

test("from another namespace a short name is not found, and each question can be read", () =>
  withPage({}, async (page) => {
    await open(page);
    await sendTo(page, "http://backend:8080");
    await verdict(page).filter({ hasText: "No such name" }).waitFor();
    assert.deepEqual(await questions(page), [
      "backend.front.svc.cluster.local. A NXDOMAIN",
      "backend.front.svc.cluster.local. AAAA NXDOMAIN",
      "backend.svc.cluster.local. A NXDOMAIN",
      "backend.svc.cluster.local. AAAA NXDOMAIN",
      "backend.cluster.local. A NXDOMAIN",
      "backend.cluster.local. AAAA NXDOMAIN",
      "backend. A NXDOMAIN",
      "backend. AAAA NXDOMAIN",
    ]);
    // What to try is said, and works.
    await page.locator(".remedy .next").filter({ hasText: "backend.shop" }).waitFor();
    await axe(page);
    await screenshot(page, "names-unknown");

    await sendTo(page, "http://backend.shop:8080");
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    const asked = await questions(page);
    assert.equal(asked.length, 4);
    assert.equal(asked[2], "backend.shop.svc.cluster.local. A NOERROR");
    const record = await rows(page).nth(2).locator(".names-record").innerText();
    assert.match(record, /^A 10\.(96|97|98|99|1[0-9]{2})\.\d+\.\d+\s*30 s$/);
    await rows(page).nth(2).getByText("Pod kube-system/coredns-").waitFor();
    // The question's own way is there: it met the same sheet as any packet.
    await rows(page).first().getByText("its way").click();
    const way = await rows(page).first().locator("details li").allInnerTexts();
    assert.ok(way.some((stop) => /^Desk, on node-\d’s sheet$/.test(stop)), way.join(" | "));
    // The journey begins with the lookup, at the directory.
    const first = page.locator(".hop").first();
    assert.match(await first.innerText(), /Directory: backend\.shop/);
    await page.locator(".s-asked").waitFor({ state: "attached" });
    await axe(page);
    await screenshot(page, "names-found");
  }));

test("any client looks any name up, by keyboard", () =>
  withPage({}, async (page) => {
    await open(page);
    const who = panel(page).getByRole("combobox", { name: "Who asks" });
    await who.selectOption({ label: "client" });
    await panel(page).getByRole("textbox", { name: "Name" }).fill("partner.shop");
    await page.keyboard.press("Enter");
    await panel(page).locator(".names-end").filter({ hasText: "203.0.113.20" }).waitFor();
    assert.match((await questions(page))[2], /^partner\.shop\.svc\.cluster\.local\. A NOERROR$/);
    await rows(page).nth(2).getByText("CNAME api.example.org.").waitFor();
    await axe(page);

    await panel(page).getByRole("textbox", { name: "Name" }).fill("no such host.example");
    await page.keyboard.press("Enter");
    await panel(page).locator(".names-end.bad").waitFor();

    const files = panel(page).getByText("resolv.conf and hosts of this client");
    await files.focus();
    await page.keyboard.press("Enter");
    await panel(page).getByText("search front.svc.cluster.local svc.cluster.local cluster.local").waitFor();
    await panel(page).getByText("Records of the cluster's zone").click();
    await panel(page).getByText("backend.shop.svc.cluster.local. 30 IN A").waitFor();
    await axe(page);
    await screenshot(page, "names-files");

    // The tabs of the panels that share a place are walked with keys.
    await page.getByRole("tab", { name: "Names" }).focus();
    await page.keyboard.press("Home");
    await page.locator("#rules").waitFor();
    assert.equal(await panel(page).isVisible(), false);
  }));

test("an ExternalName leads to a host that does not know the name", () =>
  withPage({ theme: "dark" }, async (page) => {
    await open(page);
    await sendTo(page, "https://partner.shop");
    await verdict(page).filter({ hasText: "Wrong answer" }).waitFor();
    await page.getByText("certificate for api.example.org, not for partner.shop").first().waitFor();
    await page.getByRole("button", { name: /^Show on line/ }).waitFor();
    await axe(page);
    await screenshot(page, "names-wrong-answer-dark");
    // An edit that leads the name elsewhere makes the journey old, although no rule changed.
    await page.locator(".cm-content").waitFor();
    await page.getByRole("button", { name: /^Show on line/ }).click();
    await page.keyboard.press("End");
    await page.keyboard.type("x");
    await page.getByText("The world changed, and with it the way.").waitFor();
  }));

for (const [name, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE, narrow: NARROW })) {
  test(`the names fit: ${name}`, () =>
    withPage({ viewport, touch: viewport !== DESKTOP }, async (page) => {
      if (viewport !== DESKTOP) {
        await page.getByRole("tab", { name: "Names" }).tap();
      } else {
        await page.getByRole("tab", { name: "Names" }).click();
      }
      await panel(page).getByRole("textbox", { name: "Name" }).fill("a-rather-long-name.of-a-service.in-a-namespace");
      await page.keyboard.press("Enter");
      await rows(page).first().waitFor();
      await noSidewaysScroll(page);
      await axe(page);
      await screenshot(page, `names-${name}`);
    }));
}
