// A page with 5,000 objects: it opens, shows the neighbourhood of what was chosen and a search, and how
// long each click takes until its answer is painted is printed, not asserted (Event Timing, 8 ms steps).

import assert from "node:assert/strict";
import { test } from "node:test";
import { withPage } from "./harness.mjs";
import { many } from "./stage-worlds.mjs";

/** Of each Service: itself, its EndpointSlice, a Deployment, a ReplicaSet and four Pods. */
const SERVICES = 625;

test("5,000 objects: the neighbourhood, the search, and how fast clicks are answered", { timeout: 170_000 }, () =>
  withPage(
    {
      before: async (page) => {
        page.setDefaultTimeout(60_000);
        await page.addInitScript((text) => {
          localStorage.setItem("lobby.text", text);
          globalThis.answered = [];
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
              if (entry.interactionId) globalThis.answered.push(Math.round(entry.duration));
            }
          }).observe({ type: "event", durationThreshold: 16 });
        }, many(SERVICES));
      },
    },
    async (page) => {
      await page.locator(".stage-cut").waitFor();
      const opened = await page.evaluate(() => Math.round(performance.now()));
      const cut = await page.locator(".stage-cut").innerText();
      assert.match(cut, /of 25\d\d Pods, \d+ of 62\d Services/);
      const rooms = page.locator("[data-thing^=r]");
      assert.ok((await rooms.count()) > 0 && (await rooms.count()) < 100, "a neighbourhood");

      const said = [];
      /** The slowest event of one action, once its answer is painted. */
      const timed = async (name, act, seen) => {
        await page.evaluate(() => (globalThis.answered.length = 0));
        await act();
        await seen();
        await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
        const spans = await page.evaluate(() => globalThis.answered);
        said.push(`${name} ${spans.length ? Math.max(...spans) : "under 16"} ms`);
      };
      const card = page.getByRole("region", { name: /^Chosen:/ });
      const search = page.getByRole("searchbox", { name: "Name, namespace or address" });
      await timed("a room", () => rooms.first().click(), () => card.waitFor());
      await timed("the search", () => page.locator(".stage-tool.find").click(), () => search.waitFor());
      await timed(
        "a letter of it",
        () => search.pressSequentially("svc-47"),
        () => page.locator(".stage-found", { hasText: "11 found" }).waitFor(),
      );
      await timed(
        "a Service",
        () => page.getByRole("button", { name: /^Service svc-477/ }).click(),
        () => page.locator(".scene").getByRole("button", { name: /^Desk svc-477:/ }).waitFor(),
      );
      await timed(
        "Send",
        () => page.getByRole("button", { name: "Send", exact: true }).click(),
        () => page.locator(".verdict > b").waitFor(),
      );
      const caption = (hop) => page.locator(".caption", { hasText: `Hop ${hop} of` }).waitFor();
      await timed("Last hop", () => page.getByRole("button", { name: "Last hop" }).click(), () => page.waitForTimeout(50));
      await timed("First hop", () => page.getByRole("button", { name: "First hop" }).click(), () => caption(1));
      await timed("Next hop", () => page.getByRole("button", { name: "Next hop" }).click(), () => caption(2));
      await timed("Cluster", () => page.getByRole("radio", { name: "Cluster" }).check(), () => page.locator(".skin-cluster").waitFor());
      await timed("Endpoints", () => page.getByRole("tab", { name: "Endpoints" }).click(), () => page.locator(".end").first().waitFor());
      console.log(`5,000 objects: opened after ${opened} ms; answered: ${said.join(", ")}`);
    },
  ),
);
