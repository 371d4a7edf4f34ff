// A course page of another origin with a lab in it, for the tests of embeds.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DIST, launch, serveFolder } from "./harness.mjs";

/**
 * Serves the lab on one port and `html` as a course page on another, and opens the page.
 * `fn({page, lab, course})`: addresses of both, with a `/` at the end. `before(page)` comes before it is
 * opened; `mayLog` is a RegExp of errors that the test is about.
 */
export async function withCourse(html, fn, options = {}) {
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

export const element = (attributes, inside = "Here is a lab.") => (lab) =>
  `<script type="module" src="${lab}embed.js"></script><lobby-lab ${attributes}>${inside}</lobby-lab>`;

export const frame = (page) => page.frameLocator("lobby-lab iframe");

/** Waits for the element's `ready`, and gives its detail. */
export const ready = (page) =>
  page.evaluate(
    () =>
      new Promise((done, failed) => {
        const lab = document.querySelector("lobby-lab");
        setTimeout(() => failed(new Error("the lab did not get ready")), 20_000);
        if (lab.ready) done(null);
        else lab.addEventListener("ready", (event) => done(event.detail), { once: true });
      }),
  );

export const command = (page, name, args) =>
  page.evaluate(([name, args]) => document.querySelector("lobby-lab").command(name, args), [name, args]);

/** Collects the element's events of these names into `window.heard`, from before it opens. */
export const listen = (page, ...names) =>
  page.evaluate((names) => {
    window.heard = [];
    for (const name of names) {
      document.querySelector("lobby-lab").addEventListener(name, ({ detail }) => window.heard.push([name, detail]));
    }
  }, names);

export const heard = (page, test) => page.waitForFunction(`window.heard.find(${test})`).then((handle) => handle.jsonValue());
