// The stage: each kind of Service and each verdict has its place in both skins, what is chosen says
// what it is and what can be done, a large world shows a neighbourhood, many guests flow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";
import { WORLDS, many } from "./stage-worlds.mjs";

const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const to = (page) => page.getByRole("combobox", { name: "To", exact: true });
const verdict = (page) => page.locator(".verdict > b").first();
const scrubber = (page) => page.getByRole("slider", { name: "Hop" });
const thing = (page, name) => page.locator(".scene").getByRole("button", { name });
const card = (page) => page.getByRole("region", { name: /^Chosen:/ });

/** Opens a world as somebody who left it there. */
const inWorld = (text, options, fn) =>
  withPage(
    {
      ...options,
      before: (page) => page.addInitScript((text) => localStorage.setItem("lobby.text", text), text),
    },
    fn,
  );

const cluster = (page) => page.getByRole("radio", { name: "Cluster" }).check();

/** Chooses who sends, and where to. */
async function request(page, from, target) {
  if (from) {
    const field = page.getByRole("combobox", { name: "From", exact: true });
    await field.click();
    await field.fill(from);
    await page.getByRole("option", { name: new RegExp(from) }).first().click();
  }
  if (target) {
    await to(page).fill(target);
    await page.keyboard.press("Escape");
  }
}

async function sent(page, word) {
  await send(page).click();
  await verdict(page).filter({ hasText: word }).waitFor();
}

const end = async (page) => {
  await scrubber(page).focus();
  await page.keyboard.press("End");
};

const TYPES = [
  ["clusterIP", /^Desk backend: Service in default, ClusterIP/],
  ["nodePort", /^Side door 30080 of wing node-1/],
  ["pending", /EXTERNAL-IP <pending>.*No load balancer controller/],
  ["built", /Main entrance: LoadBalancer, 203\.0\.113\.140/],
  ["hostname", /Main entrance: LoadBalancer, k8s-default-shop/],
  ["externalName", /^Another house: api\.example\.org 203\.0\.113\.20/],
  ["headless", /^Desk db: Service in default, headless/],
];

for (const [world, name] of TYPES) {
  test(`${world} has its place in both skins, and in the list`, () =>
    inWorld(WORLDS[world], {}, async (page) => {
      await thing(page, name).first().waitFor();
      await axe(page);
      await screenshot(page, `stage-${world}-hotel`);
      await cluster(page);
      await thing(page, name).first().waitFor();
      await axe(page);
      await screenshot(page, `stage-${world}-cluster`);
      assert.match(await page.locator(".stage-list").innerText(), /Open: Desk/);
    }));
}

test("a Service without endpoints is a ghost with its reason, and the guest is turned away at the desk", () =>
  inWorld(WORLDS.nobody, {}, async (page) => {
    await page.locator(".ghostroom").first().waitFor({ state: "attached" });
    assert.match(await page.locator(".stage-list").innerText(), /missing: No Pod has app: front-end/);
    await sent(page, "Refused");
    await end(page);
    await page.locator(".refword", { hasText: "Refused" }).waitFor({ state: "attached" });
    assert.equal(await page.locator(".walker .sever").count(), 1);
    await axe(page);
    await screenshot(page, "stage-refused");
  }));

test("a packet that nobody answers breaks off where it got lost", () =>
  inWorld(WORLDS.nodePort, {}, async (page) => {
    await request(page, "internet", "203.0.113.200:80");
    await sent(page, "Timed out");
    await end(page);
    await page.locator(".refword", { hasText: "Timed out" }).waitFor({ state: "attached" });
    await axe(page);
    await screenshot(page, "stage-timed-out");
  }));

test("a forwarding card leads to the other house, which answers for itself", () =>
  inWorld(WORLDS.externalName, {}, async (page) => {
    await request(page, "client", "https://partner");
    await sent(page, "Wrong answer");
    await scrubber(page).focus();
    await page.keyboard.press("Home");
    for (let hop = 1; hop < 4; hop += 1) {
      await page.locator(".caption", { hasText: `Hop ${hop} of` }).waitFor();
      await page.keyboard.press("ArrowRight");
    }
    await page.locator(".caption", { hasText: "Hop 4 of" }).waitFor();
    await page.locator(".refword", { hasText: "Wrong answer" }).waitFor({ state: "attached" });
    // The guest stands beside the house.
    const [guest, house] = await Promise.all(
      ["[data-walk=guest]", "[data-thing=h0]"].map((at) => page.locator(at).boundingBox()),
    );
    assert.ok(Math.abs(guest.x - house.x) < 140 && Math.abs(guest.y - house.y) < 120);
    await axe(page);
    await screenshot(page, "stage-house");
  }));

test("what is chosen says what it is and what can be done, by mouse and by keyboard", () =>
  inWorld(WORLDS.clusterIP, {}, async (page) => {
    const room = page.locator("[data-thing^=r]").first();
    await room.click();
    await card(page).waitFor();
    assert.match(await card(page).innerText(), /Deployment backend/);
    await card(page).getByText(/^Labels/).click();
    await card(page).getByText("app=backend").waitFor();
    await axe(page);
    await screenshot(page, "stage-chosen");

    const others = () =>
      page.locator("[data-thing^=r], [data-thing^=w]").evaluateAll((all) =>
        all.map((one) => {
          const { x, y } = one.getBoundingClientRect();
          return [one.dataset.thing, Math.round(x), Math.round(y)].join(" ");
        }),
      );
    const before = await others();
    await card(page).getByRole("button", { name: "Make it unready" }).click();
    await card(page).getByText("not ready", { exact: true }).waitFor();
    assert.deepEqual(await others(), before, "nothing moved");
    await card(page).getByRole("button", { name: "Stop listening" }).click();
    await page.locator(".hanger").waitFor({ state: "attached" });
    assert.match(await page.locator(".stage-list").innerText(), /nobody listens/);

    // Another thing that it names.
    await card(page).getByRole("button", { name: /^node-/ }).click();
    await card(page).getByRole("button", { name: "Take no new Pods" }).click();
    await card(page).getByText("cordoned", { exact: true }).waitFor();
    await card(page).getByRole("button", { name: "Switch off" }).click();
    await card(page).getByText("switched off", { exact: true }).waitFor();
    await axe(page);
    await screenshot(page, "stage-switched-off");
    await page.keyboard.press("Escape");
    await card(page).waitFor({ state: "detached" });

    // The same by keyboard: a wing is one tab stop, its rooms are reached with the arrows.
    await page.locator("[data-thing=w0]").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await card(page).waitFor();
    await card(page).getByRole("button", { name: "Close the card" }).click();
    await card(page).waitFor({ state: "detached" });
  }));

test("fifty Pods on three Nodes: a pane a Pod", () =>
  inWorld(WORLDS.fifty, {}, async (page) => {
    await page.locator(".pane").first().waitFor({ state: "attached" });
    const counts = await page.locator(".panen").allTextContents();
    assert.equal(counts.reduce((sum, text) => sum + Number(text.slice(1)), 0), 50);
    await axe(page);
    await screenshot(page, "stage-fifty");
  }));

test("of many Services the neighbourhood is drawn, and the search finds the rest", () =>
  inWorld(many(60), {}, async (page) => {
    await page.locator(".stage-cut").waitFor();
    assert.match(await page.locator(".stage-cut").innerText(), /4 of 24[0-9] Pods/);
    await page.locator("[data-thing=w0]").focus();
    await page.keyboard.press("/");
    const search = page.getByRole("searchbox", { name: "Name, namespace or address" });
    await search.waitFor();
    await search.fill("svc-47");
    await page.locator(".stage-found", { hasText: "1 found" }).waitFor();
    await axe(page);
    await screenshot(page, "stage-search");
    await page.getByRole("button", { name: /^Service svc-47/ }).click();
    await thing(page, /^Desk svc-47:/).waitFor();
    assert.equal(await page.locator("[data-thing^=r]").evaluateAll((all) => all.length) > 0, true);
    await card(page).waitFor();
    await axe(page);
    // By address: the Pod's own.
    const address = await page.locator(".stage-list li li", { hasText: "Room 10." }).first().innerText();
    await page.locator(".stage-tool.find").click();
    await search.fill(address.match(/Room (\S+),/)[1]);
    await page.getByRole("button", { name: /^Pod app-47/ }).waitFor();
    await search.fill("nobody-has-this");
    await page.locator(".stage-found", { hasText: "Nothing" }).waitFor();
    await page.keyboard.press("Escape");
  }));

const times = (page, count) =>
  page.locator("select", { has: page.locator("option", { hasText: /^×1000$/ }) }).selectOption({ label: `×${count}` });

test("a thousand requests: the counts at the rooms are all of them", () =>
  inWorld(WORLDS.nodePort, {}, async (page) => {
    await times(page, 1000);
    await send(page).click();
    await page.locator(".heap").first().waitFor({ state: "attached" });
    const last = await page
      .locator(".heap .strip g")
      .evaluateAll((all) => all.map((strip) => Number(strip.lastElementChild.textContent)));
    assert.equal(last.reduce((a, b) => a + b, 0), 1000);
    assert.match(await page.locator(".stage-list").innerText(), /1000 requests to node-\d:30080/);
    assert.equal(await page.locator(".mini").count(), 0, "nothing moves where motion is not wanted");
    await axe(page);
    await screenshot(page, "stage-thousand");
    await cluster(page);
    await axe(page);
    await screenshot(page, "stage-thousand-cluster");
  }));

test("earlier guests leave a trace that can be hidden", () =>
  inWorld(WORLDS.nodePort, {}, async (page) => {
    await sent(page, "Answered");
    assert.equal(await page.locator(".way.trace").count(), 0);
    await send(page).click();
    await page.locator(".way.trace").first().waitFor({ state: "attached" });
    const traces = page.getByRole("button", { name: "Ways of earlier guests" });
    assert.equal(await traces.getAttribute("aria-pressed"), "true");
    await axe(page);
    await screenshot(page, "stage-traces");
    await traces.click();
    assert.equal(await page.locator(".way.trace").count(), 0);
  }));

for (const [name, viewport] of Object.entries({ phone: PHONE, narrow: NARROW })) {
  test(`the street's names keep apart: ${name}`, () =>
    inWorld(WORLDS.pending, { viewport, touch: true }, async (page) => {
      await noSidewaysScroll(page);
      const overlaps = await page.locator(".street text").evaluateAll((all) => {
        const boxes = all.map((one) => [one.textContent, one.getBoundingClientRect()]);
        return boxes.flatMap(([a, one], i) =>
          boxes
            .slice(i + 1)
            .filter(([, other]) => one.left < other.right && other.left < one.right)
            .filter(([, other]) => one.top + 2 < other.bottom && other.top + 2 < one.bottom)
            .map(([b]) => `${a} / ${b}`),
        );
      });
      assert.deepEqual(overlaps, []);
      await send(page).tap();
      await verdict(page).filter({ hasText: "Answered" }).waitFor({ state: "attached" });
      await screenshot(page, `stage-${name}`);
      await page.locator("[data-thing=w1]").tap();
      await card(page).waitFor();
      await axe(page);
      await screenshot(page, `stage-chosen-${name}`);
    }));
}

test("two fingers zoom, and what was between them stays there", () =>
  inWorld(WORLDS.nodePort, { viewport: PHONE, touch: true }, async (page) => {
    const scene = page.locator(".scene");
    const before = await scene.boundingBox();
    const touch = await page.context().newCDPSession(page);
    const fingers = (apart) => [
      { x: 195 - apart, y: 250, id: 0 },
      { x: 195 + apart, y: 250, id: 1 },
    ];
    const pinch = (type, apart) =>
      touch.send("Input.dispatchTouchEvent", { type, touchPoints: apart ? fingers(apart) : [] });
    await pinch("touchStart", 40);
    for (const apart of [42, 60, 80, 100, 120]) await pinch("touchMove", apart);
    await pinch("touchEnd");
    const wide = async () => (await scene.boundingBox()).width;
    assert.ok((await wide()) > before.width * 1.8, `${before.width} became ${await wide()}`);
    await noSidewaysScroll(page);
    await pinch("touchStart", 120);
    for (const apart of [118, 80, 60, 30]) await pinch("touchMove", apart);
    await pinch("touchEnd");
    assert.ok((await wide()) < before.width * 1.1);
  }));

test("forced colours: both skins can be read", () =>
  inWorld(WORLDS.built, { forcedColors: "active" }, async (page) => {
    await sent(page, /./);
    await axe(page);
    await screenshot(page, "stage-forced-hotel");
    await cluster(page);
    await axe(page);
    await screenshot(page, "stage-forced-cluster");
  }));
