// The inspector: rules of every mode, what a change brought, a search, rules of one's own, a list of
// tens of thousands of lines; endpoints with their reasons; two runs side by side; how cost grows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

/** Wide enough that all tabs of the inspector are seen at once. */
const ROOMY = { width: 1920, height: 1080 };

const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const tab = (page, name) => page.getByRole("tab", { name, exact: true });
const rules = (page) => page.locator("#rules");
const lines = (page) => page.locator(".rl");

/** Opens a world from a text. */
const openWith = (text) => ({
  before: (page) => {
    // A large world takes its time in a build that is not optimised.
    page.setDefaultTimeout(60_000);
    return page.addInitScript((text) => localStorage.setItem("lobby.text", text), text);
  },
});

const NEARLY = `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: http, nodePort: 30080}
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web}}
spec:
  nodeName: node-1
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: web}}
spec:
  nodeName: node-2
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: misnamed, labels: {app: web}}
spec:
  containers: [{name: c, image: nginx, ports: [{name: htpp, containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: mistyped, labels: {app: wbe}}
spec:
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: elsewhere, namespace: shop, labels: {app: web}}
spec:
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 80}]}]
`;

/** So many Services, each with an EndpointSlice of one address. */
function many(count) {
  const texts = [];
  for (let number = 0; number < count; number++) {
    const name = `s${String(number).padStart(4, "0")}`;
    texts.push(`apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-a, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
endpoints: [{addresses: [10.20.${number >> 8}.${number & 255}]}]
ports: [{port: 80}]
`);
  }
  return texts.join("---\n");
}

test("the rules of all modes, with what the same request meets in each", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    await send(page).click();
    const modes = rules(page).getByRole("group", { name: "Mode" });
    const counts = modes.locator(".looked");
    await page.waitForFunction(() => document.querySelectorAll(".looked").length === 3);
    const looked = (await counts.allInnerTexts()).map((text) => Number.parseInt(text, 10));
    assert.ok(looked.every((count) => count > 0), looked.join(", "));
    assert.ok(new Set(looked).size > 1, "the modes do not all look at the same number of rules");
    // Its own mode says what the journey says.
    assert.match(await page.locator(".looked-at").innerText(), new RegExp(`looked at ${looked[0]} rules`));
    await axe(page);

    await modes.getByRole("radio", { name: /^ipvs/ }).check();
    await lines(page).filter({ hasText: "-a -t" }).first().waitFor();
    assert.ok((await page.locator(".rl.hit").count()) > 0);
    await page.locator(".rl.dnat").first().waitFor();
    await axe(page);
    await screenshot(page, "inspector-ipvs");

    await modes.getByRole("radio", { name: /^nftables/ }).check();
    await lines(page).filter({ hasText: "add rule ip kube-proxy" }).first().waitFor();
    await page.locator(".rl.dnat").filter({ hasText: "dnat to" }).first().waitFor();
    // A rule of another mode explains itself, and lights what made it.
    await page.locator(".rl.dnat button").first().focus();
    await page.waitForFunction(() => document.querySelector("#rule-explain").textContent.length > 80);
    await page.locator(".cm-line.lit-over, .cm-line[class*=over]").first().waitFor();
    await axe(page);
    await screenshot(page, "inspector-nftables");

    // The cluster itself can be run so.
    await rules(page).getByRole("button", { name: "More" }).click();
    await rules(page).getByRole("button", { name: "Run the cluster in nftables mode" }).click();
    await page.getByText("The world changed, and with it the way.").waitFor();
    await send(page).click();
    await page.waitForFunction(() => document.querySelectorAll(".looked").length === 3);
    await page.locator(".rl.hit").filter({ hasText: "add " }).first().waitFor();
  }));

test("a change of the world shows as a diff, with stops", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    const changed = rules(page).getByRole("radio", { name: /^changed/ });
    assert.equal(await changed.count(), 0, "nothing changed yet");
    await page.locator(".cm-content").click();
    await page.locator(".cm-line", { hasText: "nodePort: 30080" }).click();
    await page.keyboard.press("End");
    await page.keyboard.press("Backspace");
    await page.keyboard.type("1");
    await changed.waitFor({ state: "attached" });
    await changed.check();
    await page.locator(".rl.added", { hasText: "30081" }).first().waitFor();
    await page.locator(".rl.gone", { hasText: "30080" }).first().waitFor();
    await page.locator(".rl.gap").first().waitFor();
    assert.match(await rules(page).locator(".seg-row").last().innerText(), /changed \+\d+ −\d+/);
    const next = rules(page).getByRole("button", { name: "Next change" });
    await next.click();
    await page.locator(".rl.found").waitFor();
    assert.match(await page.locator(".rules-stops").innerText(), /1 of \d+/);
    await next.click();
    await axe(page);
    await screenshot(page, "inspector-diff");
  }));

test("a search counts, marks, and goes from match to match by keyboard", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    const field = rules(page).getByRole("searchbox", { name: "Search the rules" });
    await field.fill("dnat");
    await page.locator(".rl mark").first().waitFor();
    const all = await lines(page).count();
    await rules(page).getByRole("checkbox", { name: "only these" }).uncheck();
    await page.waitForFunction((all) => document.querySelectorAll(".rl").length > all, all);
    await field.focus();
    await page.keyboard.press("Enter");
    assert.match(await page.locator(".rules-stops").innerText(), new RegExp(`1 of ${all}`));
    await page.keyboard.press("Shift+Enter");
    assert.match(await page.locator(".rules-stops").innerText(), new RegExp(`${all} of ${all}`));
    assert.match(await page.locator(".rl.found").innerText(), /DNAT/);
    await field.fill("no such rule");
    assert.match(await page.locator(".rules-stops").innerText(), /none/);
    await axe(page);
    await screenshot(page, "inspector-search");
  }));

test("rules of one's own take the place of a Node's, and what is not modelled is named by line", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    await send(page).click();
    const open = async () => {
      await rules(page).getByRole("button", { name: "More" }).click();
      await rules(page).getByRole("button", { name: "Paste rules of your own…" }).click();
    };
    await open();
    const dialog = page.getByRole("dialog", { name: /^Your own rules on/ });
    await dialog.getByRole("textbox", { name: "Rules" }).fill("hello");
    await dialog.getByRole("button", { name: "Use them" }).click();
    await dialog.getByText("They were not taken.").waitFor();
    await axe(page);
    const own = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m bpf --bytecode "1,6 0 0 0" -j ACCEPT
-A FORWARD -m comment --comment "nobody passes" -j DROP
COMMIT
`;
    await dialog.getByRole("textbox", { name: "Rules" }).fill(own);
    await dialog.getByRole("button", { name: "Use them" }).click();
    await dialog.getByText("line 5").waitFor();
    await axe(page);
    await screenshot(page, "inspector-own-dialog");
    await dialog.getByRole("button", { name: "Close" }).first().click();
    await rules(page).getByText("Your own rules, in the place of kube-proxy’s").waitFor();
    await lines(page).filter({ hasText: "nobody passes" }).waitFor({ state: "attached" });
    await axe(page);
    await screenshot(page, "inspector-own");
    await rules(page).getByRole("button", { name: "Give kube-proxy’s back" }).click();
    await lines(page).filter({ hasText: "KUBE-SERVICES" }).first().waitFor();
  }));

test("thousands of lines scroll, and the arrow keys reach all of them", () =>
  withPage({ ...openWith(many(800)), viewport: DESKTOP }, async (page) => {
    const first = lines(page).first();
    await first.waitFor();
    const setsize = Number(await first.getAttribute("aria-setsize"));
    assert.ok(setsize > 5_000, `${setsize} lines`);
    assert.ok((await lines(page).count()) < 400, "only some of them are drawn");
    // Down to the end with the wheel's own means, and each row says which one it is.
    await page.locator(".rlist").evaluate((list) => {
      list.scrollTop = list.scrollHeight;
    });
    await page.waitForFunction(
      (all) => [...document.querySelectorAll(".rl")].some((line) => Number(line.ariaPosInSet) > all - 60),
      setsize,
    );
    await page.locator(".rlist").evaluate((list) => {
      list.scrollTop = 0;
    });
    await page.waitForFunction(() => document.querySelector(".rl").ariaPosInSet === "1");
    // By keyboard: the last rule, and back to the first.
    await page.locator('.rl button[tabindex="0"]').focus();
    await page.keyboard.press("End");
    await page.waitForFunction(
      (all) => Number(document.activeElement.closest("li")?.ariaPosInSet) > all - 20,
      setsize,
    );
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Home");
    await page.waitForFunction(() => Number(document.activeElement.closest("li")?.ariaPosInSet) < 60);
    // Scrolled away, the focus stays in the list, and the next key comes back to it.
    await page.waitForFunction(() => {
      const list = document.querySelector(".rlist");
      list.scrollTop = list.scrollHeight / 2;
      return document.activeElement === list;
    });
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => Number(document.activeElement.closest("li")?.ariaPosInSet) < 60);
    await axe(page);
    // How long one screen takes while it scrolls on: printed, not asserted.
    const frames = await page.locator(".rlist").evaluate(async (list) => {
      const times = [];
      for (let screen = 0; screen < 40; screen++) {
        const begin = performance.now();
        list.scrollTop += list.clientHeight;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        times.push(performance.now() - begin);
      }
      return times.sort((one, other) => one - other);
    });
    console.log(`scrolling by screens: median ${frames[20].toFixed(1)} ms, longest ${frames[39].toFixed(1)} ms`);
    await screenshot(page, "inspector-many");
  }));

test("endpoints: every candidate, in or out, and why", () =>
  withPage({ ...openWith(NEARLY), viewport: ROOMY }, async (page) => {
    await tab(page, "Endpoints").click();
    const panel = page.locator("#endpoints");
    await panel.getByRole("combobox", { name: "Service" }).selectOption({ label: "web" });
    const marks = () => panel.locator(".end").evaluateAll((rows) =>
      rows.map((row) => `${row.querySelector(".link, b").textContent} ${row.querySelector(".end-mark").textContent}`),
    );
    assert.deepEqual(await marks(), [
      "one ✓ ready",
      "two ✓ ready",
      "misnamed ✕ no such port",
      "elsewhere ✕ other namespace",
      "mistyped ✕ label differs",
    ]);
    await panel.getByText("Its label app is “wbe”, and the selector asks for “web”.").waitFor();
    await panel.getByText("the nearest is “htpp”").waitFor();
    await axe(page);
    await screenshot(page, "inspector-endpoints");
    // A Pod lights its manifest, its rule and its room.
    await panel.getByRole("button", { name: "two", exact: true }).focus();
    await page.locator(".end.lit").waitFor();
    await page.locator(".cm-line[class*=over]").first().waitFor();
    // The reason leads to the line.
    await panel.locator(".end", { hasText: "mistyped" }).getByRole("button", { name: /^line/ }).first().click();
    await page.locator(".cm-line[class*=over]", { hasText: "app: web" }).first().waitFor();

    // With the policy Local, only the Node's own are in for traffic from outside.
    await page.locator(".cm-line", { hasText: "type: NodePort" }).click();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.type("externalTrafficPolicy: Local");
    await panel.getByText("from outside:").first().waitFor();
    await panel.getByRole("combobox", { name: "Seen from Node" }).selectOption("node-3");
    await panel.getByText("It runs on node-1, and externalTrafficPolicy: Local keeps traffic on node-3.").waitFor();
    await axe(page);
  }));

test("the candidates of a choice stand in the journey, and the journey can be copied", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    await send(page).click();
    await page.locator(".hop-head", { hasText: "Desk, on" }).click();
    await page.locator(".choice li.chosen").waitFor();
    assert.ok((await page.locator(".choice li").count()) > 1);
    await page.locator(".made-by .link").first().waitFor();
    await axe(page);
    await screenshot(page, "inspector-choice");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator("#journey").getByRole("button", { name: "Copy as text" }).click();
    await page.locator("#journey").getByText("Copied").waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(text, /Answered: /);
  }));

test("two runs side by side: modes, policies, clients, before and now", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    await send(page).click();
    await page.locator(".verdict").waitFor();
    await tab(page, "Compare").click();
    const panel = page.locator("#compare");
    const fact = async (name) => {
      const row = panel.locator("tr", { has: page.getByRole("rowheader", { name: new RegExp(name) }) }).first();
      return row.locator("td").allInnerTexts();
    };
    await panel.getByText(/^They differ in \d+ things\.$/).waitFor();
    const looked = await fact("Rules looked at");
    assert.notEqual(looked[0], looked[1]);
    assert.equal(new Set(await fact("Verdict")).size, 1);
    await axe(page);
    await screenshot(page, "inspector-compare-modes");
    await panel.getByRole("combobox", { name: "The other" }).selectOption("iptables");
    await panel.getByText("The two are alike.").waitFor();

    await panel.getByRole("radio", { name: "policies" }).check();
    await panel.getByRole("columnheader", { name: "Local" }).first().waitFor();
    const sees = await fact("sees the client");
    assert.equal(sees.length, 2);
    await axe(page);
    await screenshot(page, "inspector-compare-policies");

    await panel.getByRole("radio", { name: "clients" }).check();
    await panel.getByText(/^They differ in/).waitFor();
    await axe(page);

    await panel.getByRole("button", { name: "Keep this journey" }).click();
    await panel.getByText("The two are alike.").waitFor();
    await page.locator(".cm-line", { hasText: "nodePort: 30080" }).click();
    await page.keyboard.press("End");
    await page.keyboard.press("Backspace");
    await page.keyboard.type("1");
    await panel.getByText(/^They differ in/).waitFor();
    assert.deepEqual((await fact("Verdict")), ["Answered", "Refused"]);
    await axe(page);
    await screenshot(page, "inspector-compare-before");
  }));

test("how cost grows is measured while the page answers, and can be stopped", () =>
  withPage({ viewport: ROOMY }, async (page) => {
    await tab(page, "Growth").click();
    const panel = page.locator("#cost");
    await axe(page);
    await panel.getByRole("button", { name: "Measure" }).click();
    await panel.locator("progress").waitFor();
    await panel.locator(".chart").first().waitFor();
    await axe(page);
    await panel.getByRole("button", { name: "Stop" }).click();
    await panel.getByText("Stopped.").waitFor();
    await panel.getByRole("button", { name: "Measure again" }).click();
    // The page answers meanwhile.
    const answers = await page.evaluate(async () => {
      const times = [];
      for (let turn = 0; turn < 20; turn++) {
        const begin = performance.now();
        await new Promise((done) => setTimeout(done, 0));
        times.push(performance.now() - begin);
      }
      return Math.max(...times);
    });
    console.log(`while it measures, the longest turn of twenty took ${answers.toFixed(0)} ms`);
    const done = panel.getByText("Done.", { exact: true });
    await done.waitFor({ timeout: 300_000 });
    assert.equal(await panel.locator(".chart").count(), 3);
    assert.equal(await panel.locator(".cost-table tbody tr").count(), 15);
    const cells = (await panel.locator(".cost-table tbody tr").nth(4).locator("td").allInnerTexts())
      .map((text) => text.replaceAll("\u202f", ""));
    assert.equal(cells[0], "iptables");
    assert.equal(cells[1], "10000");
    assert.ok(Number(cells[2]) > 50_000, cells.join(" | "));
    const [, last] = cells[4].split(" – ").map(Number);
    assert.ok(last > 10_000, cells.join(" | "));
    console.log(await panel.locator(".cost-table tbody tr").allInnerTexts());
    await axe(page);
    await panel.locator(".chart").first().scrollIntoViewIfNeeded();
    await screenshot(page, "inspector-cost");
  }));

for (const [name, options] of Object.entries({
  desktop: { viewport: DESKTOP },
  dark: { viewport: DESKTOP, theme: "dark" },
  phone: { viewport: PHONE, touch: true },
  narrow: { viewport: NARROW, touch: true },
})) {
  test(`the inspector fits: ${name}`, () =>
    withPage({ ...options, ...openWith(NEARLY) }, async (page) => {
      const press = (locator) => (options.touch ? locator.tap() : locator.click());
      await press(send(page));
      await page.locator(".verdict").waitFor({ state: "attached" });
      for (const of of ["Rules", "Endpoints", "Compare", "Growth", "Journey"]) {
        await press(tab(page, of));
        if (of === "Endpoints") {
          await page.locator(".end").first().waitFor();
        } else if (of === "Compare") {
          await page.locator(".cmp").first().waitFor();
        }
        await noSidewaysScroll(page);
        await axe(page);
        await screenshot(page, `inspector-${of.toLowerCase()}-${name}`);
      }
    }));
}
