// An embed as a guest in somebody's page: whose keys are whose, what it tells when it breaks, and that
// it waits to be asked.

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, element, frame, heard, listen, ready, withCourse } from "./embed-course.mjs";
import { axe, screenshot } from "./harness.mjs";

test("a lab takes keys only while it has the focus, and never takes the focus", () =>
  withCourse(
    (lab) => `<label>Notes <input></label>${element('scenario="clusterip" height="480"')(lab)}`,
    async ({ page }) => {
      const notes = page.getByRole("textbox", { name: "Notes" });
      await notes.focus();
      await ready(page);
      await command(page, "send");
      await command(page, "step", { to: 1 });
      await listen(page, "step");
      await page.keyboard.type("a b?");
      for (const key of ["ArrowRight", "End", "Space"]) await page.keyboard.press(key);
      await page.waitForTimeout(300);
      assert.equal(await notes.inputValue(), "a b? ");
      assert.deepEqual(await page.evaluate(() => window.heard), []);
      // With the focus in it the same key is its own.
      await frame(page).getByRole("slider").focus();
      await page.keyboard.press("ArrowRight");
      await heard(page, "([, { index }]) => index === 2");
    },
  ));

const TRAP = /unreachable|panicked/;

/** Opens a lab that waits for a click; what it says is heard from its first word. */
async function openHeard(page) {
  const button = page.getByRole("button", { name: "Open the lab" });
  await button.waitFor();
  await listen(page, "ready", "error");
  await button.click();
}

test("a lab that breaks tells the page around before its reader sees it, and can be started again", () =>
  withCourse(
    element('scenario="clusterip" height="480" load="click"'),
    async ({ page }) => {
      await openHeard(page);
      await heard(page, "([name]) => name === 'ready'");
      const lab = frame(page);
      await lab.getByRole("button", { name: "Send", exact: true }).waitFor();
      // A trap in the middle of the WebAssembly's work: what it draws with fails, and it panics.
      await lab.locator("html").evaluate(() => {
        const { createElement, createElementNS } = Document.prototype;
        const fail = () => {
          Object.assign(Document.prototype, { createElement, createElementNS });
          throw new Error("none left");
        };
        Object.assign(Document.prototype, { createElement: fail, createElementNS: fail });
        // Both are done while the error is told, so nothing is painted between them.
        const { postMessage } = MessagePort.prototype;
        let isPainted = false;
        MessagePort.prototype.postMessage = function (message, ...rest) {
          if (message?.detail?.code === "broken") window.saidInTime = !isPainted;
          return postMessage.call(this, message, ...rest);
        };
        new MutationObserver(() => {
          if (document.querySelector(".broken")) requestAnimationFrame(() => (isPainted = true));
        }).observe(document.body, { childList: true });
      });
      await lab.getByRole("button", { name: "Send", exact: true }).click();
      const [, error] = await heard(page, "([name]) => name === 'error'");
      assert.equal(error.code, "broken");
      assert.match(error.message, /RuntimeError/);
      await lab.getByRole("alert", { name: "The lab broke" }).waitFor();
      assert.equal(await lab.locator("html").evaluate(() => window.saidInTime), true);
      await axe(page);
      assert.equal(await page.evaluate(() => document.querySelector("lobby-lab").ready), false);
      await assert.rejects(command(page, "getState"), /wait for ready/);

      await listen(page, "ready", "error");
      await lab.getByRole("button", { name: "Start the lab again" }).click();
      await heard(page, "([name]) => name === 'ready'");
      assert.equal((await command(page, "send")).kind, "Answered");
    },
    { mayLog: TRAP },
  ));

test("a command that breaks the lab is rejected, not waited for", () =>
  withCourse(
    element('scenario="clusterip" height="480"'),
    async ({ page }) => {
      await ready(page);
      // What the answer is posted with fails as a trap does.
      await frame(page).locator("html").evaluate(() => {
        const { postMessage } = MessagePort.prototype;
        MessagePort.prototype.postMessage = function () {
          MessagePort.prototype.postMessage = postMessage;
          setTimeout(() => {
            throw new WebAssembly.RuntimeError("unreachable");
          });
        };
      });
      await assert.rejects(command(page, "getState"), /the lab broke/);
    },
    { mayLog: TRAP },
  ));

test("a lab that breaks before it said hello says so, too", () =>
  withCourse(
    element('scenario="clusterip" height="480" load="click"'),
    async ({ page }) => {
      await openHeard(page);
      const [, error] = await heard(page, "([name]) => name === 'error'");
      assert.equal(error.code, "broken");
      assert.equal(await page.evaluate(() => window.heard.length), 1, "nothing else is told");
    },
    {
      mayLog: TRAP,
      // The module is there and its first call is a trap, as where the engine cannot open the world.
      before: (page) =>
        page.addInitScript(() => {
          const { instantiateStreaming } = WebAssembly;
          WebAssembly.instantiateStreaming = async (...given) => {
            const { instance, module } = await instantiateStreaming(...given);
            const __wbindgen_start = () => {
              throw new WebAssembly.RuntimeError("unreachable");
            };
            return { module, instance: { exports: { ...instance.exports, __wbindgen_start } } };
          };
        }),
    },
  ));

test("who did not say who they are is not told that the lab broke", () =>
  withCourse(
    (lab) => `<label>Notes <input></label><iframe title="a lab" width="900" height="480" src="${lab}index.html?embed=1#v1:s:nodeport"></iframe>`,
    async ({ page }) => {
      const lab = page.frameLocator("iframe");
      await lab.locator("main").waitFor();
      const notes = page.getByRole("textbox", { name: "Notes" });
      await notes.focus();
      await page.evaluate(() => {
        window.heard = [];
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => window.heard.push(data.event);
        const connect = { ns: "lobby", v: 1, kind: "connect", instance: "" };
        document.querySelector("iframe").contentWindow.postMessage(connect, "*", [port2]);
      });
      await page.waitForFunction(() => window.heard.includes("resize"));
      await lab.locator("html").evaluate(() => {
        setTimeout(() => {
          throw new WebAssembly.RuntimeError("unreachable");
        });
      });
      await lab.getByRole("alert", { name: "The lab broke" }).waitFor();
      await page.waitForTimeout(300);
      await page.keyboard.type("mine");
      assert.equal(await notes.inputValue(), "mine", "nor does it take the focus");
      assert.deepEqual(await page.evaluate(() => window.heard.filter((name) => name !== "resize")), ["ready"]);
    },
    { mayLog: TRAP },
  ));

test("a plain frame waits for a click, and fetches nothing of the lab before", () =>
  withCourse(
    (lab) => `<iframe title="a lab" width="900" height="480" src="${lab}embed.html?ctl=1&theme=dark&view=rules&origin=${encodeURIComponent("http://elsewhere.example")}#v1:s:nodeport"></iframe>`,
    async ({ page, lab, asked }) => {
      const inside = page.frameLocator("iframe");
      const open = inside.getByRole("button", { name: "Open the lab" });
      await open.waitFor();
      await page.waitForTimeout(500);
      await axe(page);
      await screenshot(page, "embed-click");
      const fetched = asked.filter((url) => url.startsWith(lab)).map((url) => url.slice(lab.length).replace(/[?#].*/, ""));
      assert.deepEqual(fetched.sort(), ["embed-page.js", "embed.html", "icon.svg", "plain.css"].filter((name) => fetched.includes(name)));
      assert.ok(fetched.includes("embed-page.js"));
      await open.press("Enter");
      await inside.locator("html[data-theme=dark] main").waitFor();
      await inside.getByRole("tab", { name: "Rules", selected: true }).waitFor();
      const address = new URL(await inside.locator("html").evaluate(() => location.href));
      assert.equal(address.hash, "#v1:s:nodeport");
      assert.deepEqual([...address.searchParams.keys()].sort(), ["embed", "origin", "theme", "view"]);
      assert.equal(await page.evaluate(() => history.length), 2, "the history is the page's own");
    },
  ));

test("without ctl the same address opens the lab at once", () =>
  withCourse(
    (lab) => `<iframe title="a lab" width="900" height="480" src="${lab}embed.html#v1:s:nodeport"></iframe>`,
    async ({ page }) => {
      await page.frameLocator("iframe").getByRole("button", { name: "Send", exact: true }).waitFor();
      assert.equal(await page.evaluate(() => history.length), 2);
    },
  ));

test("the element waits with ctl, too", () =>
  withCourse(element('scenario="nodeport" ctl="1" height="300"'), async ({ page }) => {
    await page.getByRole("button", { name: "Open the lab" }).click();
    await frame(page).locator("main").waitFor();
  }));

test("what cannot be JSON is refused, and answered", () =>
  withCourse(element('scenario="clusterip" height="480"'), async ({ page }) => {
    await ready(page);
    for (const make of ["() => { const a = {}; a.a = a; return a; }", "() => ({ count: 1n })"]) {
      const said = page.evaluate(`document.querySelector("lobby-lab").command("send", (${make})())`);
      await assert.rejects(said, /cannot be written as JSON/);
    }
    assert.equal((await command(page, "send")).kind, "Answered");
  }));
