// The lab in a page of another origin: the element, the plain frame, messages, and what it must not
// do there.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, axe, launch, screenshot, serveFolder } from "./harness.mjs";

/**
 * Serves the lab on one port and `html` as a course page on another, and opens the page.
 * `fn({page, lab, course})`: addresses of both, with a `/` at the end.
 */
async function withCourse(html, fn, { viewport = { width: 1000, height: 700 }, javaScriptEnabled = true } = {}) {
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
    await page.goto(course.address);
    await fn({ page, lab: lab.address, course: course.address, asked });
    assert.deepEqual(errors, [], "the pages logged errors");
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
      new Promise((done) => {
        const lab = document.querySelector("lobby-lab");
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
      assert.ok(loaded.errors.length > 0);
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
