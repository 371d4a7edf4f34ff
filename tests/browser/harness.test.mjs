// The harness itself: what it is there to catch, it catches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { axe, noSidewaysScroll, withPage } from "./harness.mjs";

test("an error in the console fails a test", () =>
  assert.rejects(
    withPage({}, (page) => page.evaluate(() => console.error("broken"))),
    /logged errors[^]*broken/,
  ));

test("an error that nobody caught fails a test", () =>
  assert.rejects(
    withPage({}, (page) =>
      page.evaluate(
        () => new Promise((done) => setTimeout(() => (setTimeout(done, 50), nothing.here()), 0)),
      ),
    ),
    /logged errors[^]*nothing is not defined/,
  ));

test("a request outside of the origin fails a test", () =>
  assert.rejects(
    withPage({ mayLog: /./ }, async (page) => {
      await page.evaluate(() => void (location.href = "http://lobby.invalid/"));
      await page.waitForTimeout(300);
    }),
    /outside of its origin[^]*lobby\.invalid/,
  ));

test("a barrier fails a test", () =>
  assert.rejects(
    withPage({}, async (page) => {
      await page.evaluate(() => document.querySelector("main").append(document.createElement("button")));
      await axe(page);
    }),
    /button-name/,
  ));

test("a page that is too wide fails a test", () =>
  assert.rejects(
    withPage({}, async (page) => {
      await page.evaluate(() => {
        const wide = document.createElement("img");
        wide.width = 3000;
        wide.alt = "";
        document.body.append(wide);
      });
      await noSidewaysScroll(page);
    }),
    /px wide/,
  ));
