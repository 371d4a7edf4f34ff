// The lab in a page of another origin: the element, the plain frame, messages, and what it must not
// do there.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DIST, axe, launch, screenshot, serveFolder } from "./harness.mjs";

/**
 * Serves the lab on one port and `html` as a course page on another, and opens the page.
 * `fn({page, lab, course})`: addresses of both, with a `/` at the end. `before(page)` comes before it is
 * opened; `mayLog` is a RegExp of errors that the test is about.
 */
async function withCourse(html, fn, options = {}) {
  const { viewport = { width: 1000, height: 700 }, javaScriptEnabled = true, mayLog, before } = options;
  const folder = mkdtempSync(join(tmpdir(), "lobby-course-"));
  // As GitHub Pages sends it, which an isolated frame needs.
  const lab = await serveFolder(DIST, { "Access-Control-Allow-Origin": "*" });
  const course = await serveFolder(folder);
  writeFileSync(
    join(folder, "index.html"),
    `<!doctype html><html lang="en"><title>A course</title><main><h1>A course</h1>${html(lab.address)}</main></html>`,
  );
  const context = await (await launch()).newContext({ viewport, reducedMotion: "reduce", javaScriptEnabled });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    const isIcon = message.location().url.endsWith("/favicon.ico");
    if (message.type() === "error" && !isIcon) errors.push(message.text());
  });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  try {
    await before?.(page);
    await page.goto(course.address);
    await fn({ page, lab: lab.address, course: course.address, asked });
    const logged = errors.filter((error) => !mayLog?.test(error));
    assert.deepEqual(logged, [], "the pages logged errors");
    const elsewhere = asked.filter((url) => !url.startsWith(lab.address) && !url.startsWith(course.address) && !url.startsWith("data:"));
    assert.deepEqual(elsewhere, [], "somebody asked another host");
  } finally {
    await context.close();
    await lab.close();
    await course.close();
    rmSync(folder, { recursive: true });
  }
}

const element = (attributes, inside = "Here is a lab.") => (lab) =>
  `<script type="module" src="${lab}embed.js"></script><lobby-lab ${attributes}>${inside}</lobby-lab>`;

const frame = (page) => page.frameLocator("lobby-lab iframe");

/** Waits for the element's `ready`, and gives its detail. */
const ready = (page) =>
  page.evaluate(
    () =>
      new Promise((done, failed) => {
        const lab = document.querySelector("lobby-lab");
        setTimeout(() => failed(new Error("the lab did not get ready")), 20_000);
        if (lab.ready) done(null);
        else lab.addEventListener("ready", (event) => done(event.detail), { once: true });
      }),
  );

const command = (page, name, args) =>
  page.evaluate(([name, args]) => document.querySelector("lobby-lab").command(name, args), [name, args]);

test("three lines of HTML are a lab that a reader can use", () =>
  withCourse(element('scenario="nodeport" height="480"'), async ({ page, course }) => {
    const lab = frame(page);
    await lab.getByRole("button", { name: "Send", exact: true }).click();
    await lab.locator(".embed-foot").getByText("Answered").waitFor();
    assert.equal(page.url(), course, "an embed leaves the address of its page alone");
    assert.equal(await page.evaluate(() => history.length), 2, "and its history");
    const box = await page.locator("lobby-lab").boundingBox();
    assert.equal(Math.round(box.height), 480);
    await axe(page);
    await screenshot(page, "embed-element");
  }));

test("manifests in the page are the world of the lab, and messages drive it", () =>
  withCourse(
    element(
      'height="480" theme="dark"',
      `<script type="application/yaml">
        apiVersion: v1
        kind: Service
        metadata: {name: lonely}
        spec:
          selector: {app: nobody}
          ports: [{port: 80}]
      </script>`,
    ),
    async ({ page, lab }) => {
      const detail = await ready(page);
      if (detail) {
        assert.match(detail.kubernetes, /^v1\.\d+/);
        assert.ok(detail.capabilities.includes("send"));
      }
      const state = await command(page, "getState");
      assert.match(state.text, /^apiVersion: v1\nkind: Service\nmetadata: \{name: lonely\}/);
      const verdicts = page.evaluate(
        () =>
          new Promise((done) =>
            document.querySelector("lobby-lab").addEventListener("verdict", (event) => done(event.detail), { once: true }),
          ),
      );
      const result = await command(page, "send", { from: "node/node-1", to: "http://lonely.default.svc.cluster.local" });
      assert.ok(["Refused", "No such name"].includes(result.kind), JSON.stringify(result));
      assert.equal((await verdicts).kind, result.kind);
      assert.deepEqual(await command(page, "step", { to: 1 }), { index: 1 });
      await command(page, "setTheme", { theme: "light" });
      const root = frame(page).locator("html");
      assert.equal(await root.getAttribute("data-theme"), "light");
      await page.evaluate(() => document.querySelector("lobby-lab").setAttribute("theme", "dark"));
      await frame(page).locator("html[data-theme=dark]").waitFor({ state: "attached" });

      const loaded = await command(page, "load", { yaml: "kind: Nonsense" });
      assert.ok(loaded.errors.length > 0 && loaded.errors[0].line > 0);
      const { text, file } = await command(page, "getState");
      await command(page, "load", { scenario: "clusterip" });
      await command(page, "load", { file });
      assert.equal((await command(page, "getState")).text, text);
      await command(page, "load", { scenario: "clusterip" });
      const { link } = await command(page, "getLink");
      assert.match(link, /^v1:z:/);

      for (const [name, args, why] of [
        ["dance", {}, /no command/],
        ["step", {}, /needs to, or by/],
        ["step", { to: "three" }, /whole number/],
        ["load", { link: "v9:z:AAAA" }, /version/],
        ["load", { yaml: "x".repeat(1 << 21) }, /longer than/],
        ["setMode", { mode: "ebpf" }, /unknown proxy mode/],
        ["setTheme", { theme: "mauve" }, /must be auto, light or dark/],
        ["setMotion", { motion: "much" }, /must be auto, reduce or full/],
      ]) {
        await assert.rejects(command(page, name, args), why, name);
      }
      await command(page, "setMode", { mode: "nftables" });

      // The link opens the same world in the whole page.
      await page.goto(`${lab}#${link}`);
      await page.locator("main").waitFor();
      await page.getByText("ClusterIP: the internal phone").first().waitFor();
    },
  ));

test("a frame speaks with nobody but the page around it", () =>
  withCourse(
    (lab) => `<iframe title="a lab" width="900" height="480" src="${lab}index.html?embed=1&origin=${encodeURIComponent("http://elsewhere.example")}#v1:s:nodeport"></iframe>`,
    async ({ page }) => {
      const inside = page.frameLocator("iframe");
      await inside.locator("main").waitFor();
      const heard = await page.evaluate(
        () =>
          new Promise((done) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = (event) => done(event.data);
            const connect = { ns: "lobby", v: 1, kind: "connect", instance: "" };
            document.querySelector("iframe").contentWindow.postMessage(connect, "*", [port2]);
            setTimeout(() => done(null), 1500);
          }),
      );
      assert.equal(heard, null, "its address names another origin");
    },
  ));

test("who did not say who they are is told ready and resize alone", () =>
  withCourse(
    (lab) => `<iframe title="a lab" width="900" height="480" src="${lab}index.html?embed=1#v1:s:nodeport"></iframe>`,
    async ({ page }) => {
      await page.frameLocator("iframe").locator("main").waitFor();
      const heard = await page.evaluate(
        () =>
          new Promise((done) => {
            const { port1, port2 } = new MessageChannel();
            const heard = [];
            port1.onmessage = ({ data }) => {
              heard.push(data.event ?? data.error);
              if (data.event === "ready") port1.postMessage({ id: 1, command: "getState" });
              if (data.id === 1) done(heard);
            };
            const connect = { ns: "lobby", v: 1, kind: "connect", instance: "" };
            document.querySelector("iframe").contentWindow.postMessage(connect, "*", [port2]);
          }),
      );
      assert.deepEqual(heard.slice(0, 2), ["ready", "resize"]);
      assert.match(heard[2], /not told who asks/);
    },
  ));

test("an isolated frame, without storage, works as well", () =>
  withCourse(element('scenario="wrong-selector" height="480" isolated'), async ({ page }) => {
    await ready(page);
    const result = await command(page, "send");
    assert.equal(result.kind, "Refused");
  }));

test("nothing is fetched before the reader is near, or asks", () =>
  withCourse(
    (lab) =>
      `<script type="module" src="${lab}embed.js"></script><lobby-lab id="asked" load="click" height="300">a</lobby-lab>
       <div style="height:4000px"></div><lobby-lab id="far" scenario="clusterip" height="300">b</lobby-lab>`,
    async ({ page, asked }) => {
      await page.getByRole("button", { name: "Open the lab" }).waitFor();
      await page.waitForTimeout(500);
      const wasm = () => asked.filter((url) => url.endsWith(".wasm")).length;
      assert.equal(wasm(), 0);
      await page.getByRole("button", { name: "Open the lab" }).click();
      await page.frameLocator("#asked iframe").locator("main").waitFor();
      assert.equal(await page.locator("#far iframe").count(), 0);
      await page.locator("#far").scrollIntoViewIfNeeded();
      await page.frameLocator("#far iframe").locator("main").waitFor();
    },
  ));

test("without scripts the text in the element is read", () =>
  withCourse(
    element('scenario="nodeport"', "What a NodePort is."),
    async ({ page }) => {
      await page.getByText("What a NodePort is.").waitFor();
    },
    { javaScriptEnabled: false },
  ));

test("a link that is wrong is said, and the lab goes on", () =>
  withCourse(
    (lab) => `<p><a href="${lab}#v3:z:AAAA">a link of tomorrow</a></p>`,
    async ({ page }) => {
      await page.getByRole("link").click();
      await page.getByRole("alert").getByText("version").waitFor();
      await axe(page);
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByRole("button", { name: "Send", exact: true }).click();
    },
  ));

/** Collects the element's events of these names into `window.heard`, from before it opens. */
const listen = (page, ...names) =>
  page.evaluate((names) => {
    window.heard = [];
    for (const name of names) {
      document.querySelector("lobby-lab").addEventListener(name, ({ detail }) => window.heard.push([name, detail]));
    }
  }, names);

const heard = (page, test) => page.waitForFunction(`window.heard.find(${test})`).then((handle) => handle.jsonValue());

test("a lesson is embedded by its name, and tells how far it is", () =>
  withCourse(element('lesson="05-names" height="640" load="click"'), async ({ page }) => {
    await page.getByRole("button", { name: "Open the lab" }).waitFor();
    await listen(page, "level");
    await page.getByRole("button", { name: "Open the lab" }).click();
    const [, level] = await heard(page, "([name]) => name === 'level'");
    assert.equal(level.id, "names");
    assert.deepEqual([level.status, level.attempts, level.hints, level.solution], ["started", 0, 0, false]);
    const lab = frame(page);
    await lab.locator("#lesson").getByRole("heading", { level: 2 }).waitFor();
    await lab.getByRole("button", { name: "The task" }).click();
    await lab.getByRole("button", { name: "Hint 1" }).click();
    await heard(page, "([, level]) => level.hints === 1");
    await lab.getByRole("button", { name: "Check", exact: true }).click();
    const [, tried] = await heard(page, "([, level]) => level.attempts === 1");
    assert.equal(tried.status, "attempted");
    await lab.getByRole("button", { name: "Show a solution" }).click();
    for (const button of await lab.locator(".lesson-actions button").all()) await button.click();
    await lab.getByRole("button", { name: "Check", exact: true }).click();
    const [, passed] = await heard(page, "([, level]) => level.status === 'passed'");
    assert.deepEqual([passed.attempts, passed.solution], [2, true]);
    await axe(page);
    await screenshot(page, "embed-lesson");

    // Another one, by a message.
    assert.deepEqual(await command(page, "load", { lesson: "ports" }), {});
    await heard(page, "([, level]) => level.id === 'ports'");
  }));

test("a lesson that is not there is said", () =>
  withCourse(element('lesson="no-such-lesson" height="480" load="click"'), async ({ page }) => {
    await page.getByRole("button", { name: "Open the lab" }).waitFor();
    await listen(page, "error");
    await page.getByRole("button", { name: "Open the lab" }).click();
    const [, error] = await heard(page, "([name]) => name === 'error'");
    assert.equal(error.code, "lesson");
    await frame(page).getByRole("alert").getByText("no-such-lesson").waitFor();
  }));

test("what is read only can be looked at, and not changed", () =>
  withCourse(element('scenario="wrong-selector" ro="1" view="yaml" hide="rules, doctor" height="640"'), async ({ page }) => {
    await ready(page);
    const lab = frame(page);
    const before = (await command(page, "getState")).text;
    const text = lab.getByRole("textbox", { name: "Manifests, YAML" });
    await lab.locator(".cm-content").waitFor();
    await text.click();
    await page.keyboard.type("# mine");
    await page.waitForTimeout(400);
    assert.equal((await command(page, "getState")).text, before);
    for (const hidden of ["Rules", "Doctor", "Console"]) {
      assert.equal(await lab.getByRole("tab", { name: hidden }).count(), 0, hidden);
    }
    await lab.getByRole("tab", { name: "Journey" }).waitFor();
    // Who wrote the page may.
    await command(page, "load", { yaml: "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n" });
    assert.match((await command(page, "getState")).text, /Namespace/);
    await axe(page);
  }));

test("the toolbar can be left out", () =>
  withCourse(element('scenario="clusterip" hide="toolbar" height="420"'), async ({ page }) => {
    await ready(page);
    assert.equal(await frame(page).getByRole("button", { name: "Send", exact: true }).count(), 0);
    const verdict = await command(page, "send");
    assert.equal(verdict.kind, "Answered");
  }));

test("the doctor is heard, and asked", () =>
  withCourse(element('scenario="wrong-selector" height="480" load="click"'), async ({ page }) => {
    await page.getByRole("button", { name: "Open the lab" }).waitFor();
    await listen(page, "diagnosis");
    await page.getByRole("button", { name: "Open the lab" }).click();
    const [, { items }] = await heard(page, "([name, { items }]) => name === 'diagnosis' && items.length > 0");
    const found = items.find(({ id }) => id === "selector-matches-nothing");
    assert.ok(found, JSON.stringify(items));
    assert.equal(found.severity, "error");
    assert.match(found.object, /^Service /);
    assert.match(found.field, /selector/);
    assert.ok(found.line > 0 && found.why.length > 0);
    assert.match(found.fix, /^[-+ @]/m, "a diff");
    assert.deepEqual((await command(page, "diagnose")).items, items);
  }));

test("the picture is an SVG that needs nothing else", () =>
  withCourse(element('scenario="nodeport" height="480"'), async ({ page, lab }) => {
    await ready(page);
    await command(page, "send");
    const { svg } = await command(page, "exportSvg");
    assert.match(svg, /^<svg [^]*<\/svg>$/);
    assert.doesNotMatch(svg, / class=| style=|var\(|<script|<foreignObject/);
    // As an image it has no style sheet of the page, and is drawn all the same.
    const colours = await page.evaluate(
      (svg) =>
        new Promise((done, fail) => {
          const image = new Image();
          image.onload = () => {
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
            done(seen.size);
          };
          image.onerror = () => fail(new Error("no image"));
          image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
        }),
      svg,
    );
    assert.ok(colours > 20, `${colours} colours`);
    assert.ok(lab);
  }));

test("a teacher's own lesson travels in a link", () =>
  withCourse(
    () => "<p>nothing yet</p>",
    async ({ page, lab }) => {
      const written = readFileSync(new URL("../../docs/lessons.md", import.meta.url), "utf8");
      const lesson = written.match(/```yaml\n(apiVersion: lobby\.dev\/v1[^]*?)```/)[1];
      const payload = Buffer.from(JSON.stringify({ v: 1, text: lesson })).toString("base64url");
      await page.goto(`${lab}#v1:j:${payload}`);
      await page.getByRole("heading", { name: /The first desk/ }).waitFor();
      await page.getByRole("button", { name: "Share", exact: true }).click();
      const dialog = page.getByRole("dialog", { name: "Share" });
      await dialog.getByRole("radio", { name: "The lesson" }).check();
      const link = await dialog.getByRole("textbox", { name: "To copy" }).inputValue();
      await page.goto("about:blank");
      await page.goto(link);
      await page.getByRole("heading", { name: /The first desk/ }).waitFor();

      // One that is wrong is said, with its line.
      const wrong = Buffer.from(JSON.stringify({ v: 1, text: lesson.replace("right: 2", "right: 7") })).toString("base64url");
      await page.goto("about:blank");
      await page.goto(`${lab}#v1:j:${wrong}`);
      await page.getByText("something is wrong in it").waitFor();

      await page.goto("about:blank");
      await page.goto(`${lab}#v1:s:lesson/05-names`);
      await page.getByText("Lesson 5 of").waitFor();
    },
  ));

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

test("a lab that breaks tells the page around before its reader sees it, and can be started again", () =>
  withCourse(
    element('scenario="clusterip" height="480" load="click"'),
    async ({ page }) => {
      await page.getByRole("button", { name: "Open the lab" }).waitFor();
      await listen(page, "ready", "error");
      await page.getByRole("button", { name: "Open the lab" }).click();
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
      await lab.getByRole("button", { name: "Start again with the first example" }).click();
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
      await page.getByRole("button", { name: "Open the lab" }).waitFor();
      await listen(page, "ready", "error");
      await page.getByRole("button", { name: "Open the lab" }).click();
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
    (lab) => `<iframe title="a lab" width="900" height="480" src="${lab}index.html?embed=1#v1:s:nodeport"></iframe>`,
    async ({ page }) => {
      const lab = page.frameLocator("iframe");
      await lab.locator("main").waitFor();
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

test("embed.js weighs less than 4 KB", () => {
  const weight = gzipSync(readFileSync(join(DIST, "embed.js")), { level: 9 }).length;
  assert.ok(weight < 4000, `${weight} bytes (gzip)`);
});
