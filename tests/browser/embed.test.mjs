// The lab in a page of another origin: the element, the plain frame, messages, and what it must not
// do there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { command, element, frame, heard, listen, ready, withCourse } from "./embed-course.mjs";
import { DIST, axe, screenshot } from "./harness.mjs";

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

test("height auto: the picture has its room, and what is longer gets more", () =>
  withCourse(element('scenario="clusterip" height="auto"'), async ({ page }) => {
    await ready(page);
    const height = () => page.locator("lobby-lab").boundingBox().then((box) => Math.round(box.height));
    assert.equal(await height(), 480);
    await listen(page, "resize");
    // The same lab with a panel, which does not fit.
    await page.evaluate(() => {
      const lab = document.querySelector("lobby-lab");
      const parent = lab.parentNode;
      lab.remove();
      lab.setAttribute("view", "rules");
      parent.append(lab);
    });
    await heard(page, "([, detail]) => detail.height > 700");
    const told = await page.evaluate(() => window.heard.at(-1)[1].height);
    assert.equal(await height(), Math.min(told, 4000));
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

test("embed.js weighs less than 4 KB", () => {
  const weight = gzipSync(readFileSync(join(DIST, "embed.js")), { level: 9 }).length;
  assert.ok(weight < 4000, `${weight} bytes (gzip)`);
});
