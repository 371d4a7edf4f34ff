// How many frames a second the browser draws while 200 guests flow over 50 Pods, and how much of the
// page's own thread that takes, by the browser's own tracing. The numbers are printed, not asserted:
// they are the machine's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withPage } from "./harness.mjs";
import { WORLDS } from "./stage-worlds.mjs";

const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame", "toplevel"];

/** What the browser traced while `fn` ran. */
async function traced(page, fn) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const ended = new Promise((done) => session.once("Tracing.tracingComplete", done));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: CATEGORIES },
  });
  await fn();
  await session.send("Tracing.end");
  await ended;
  return events;
}

/** Frames that were drawn, and work of the page's own thread, of what was traced between two marks. */
function summary(events, begin, end) {
  const mark = (name) => events.find((event) => event.name === "TimeStamp" && event.args.data?.message === name);
  const [from, to] = [mark(begin), mark(end)];
  const within = ({ ts }) => ts >= from.ts && ts <= to.ts;
  const drawn = events.filter((event) => event.name === "DrawFrame" && within(event)).map(({ ts }) => ts / 1000);
  const gaps = drawn.slice(1).map((at, i) => at - drawn[i]).sort((a, b) => a - b);
  const own = events.filter((event) => event.tid === from.tid && event.pid === from.pid && within(event));
  const busy = own
    .filter(({ name }) => name === "ThreadControllerImpl::RunTask")
    .reduce((sum, { dur = 0 }) => sum + dur / 1000, 0);
  const count = (name) => own.filter((event) => event.name === name).length;
  const seconds = (to.ts - from.ts) / 1e6;
  return {
    frames: drawn.length,
    said:
      `${(drawn.length / seconds).toFixed(1)} a second; ms between two: median ${gaps[gaps.length >> 1]?.toFixed(1)}, ` +
      `95 % ${gaps[Math.floor(gaps.length * 0.95)]?.toFixed(1)}, worst ${gaps.at(-1)?.toFixed(1)}; ` +
      `the page's own thread is busy ${(busy / seconds / 10).toFixed(0)} % of the time, ` +
      `with ${count("UpdateLayoutTree")} style passes and ${count("Paint")} paints in ${seconds.toFixed(1)} s`,
  };
}

test("frames with 200 guests over 50 Pods (printed, not asserted)", () =>
  withPage(
    {
      motion: "no-preference",
      before: (page) => page.addInitScript((text) => localStorage.setItem("lobby.text", text), WORLDS.fifty),
    },
    async (page) => {
      await page.getByRole("combobox", { name: "How many" }).selectOption({ label: "×1000" });
      const events = await traced(page, async () => {
        await page.getByRole("button", { name: "Send", exact: true }).click();
        await page.locator(".mini").first().waitFor({ state: "attached" });
        await page.evaluate(async () => {
          const guests = () => document.getAnimations().filter(({ effect }) => effect.target.matches(".mini"));
          while (guests().length === 0) await new Promise(requestAnimationFrame);
          console.timeStamp("guests");
          await Promise.all(guests().map(({ finished }) => finished));
          console.timeStamp("guests are there");
        });
      });
      assert.equal(await page.locator(".mini").count(), 200);
      const guests = summary(events, "guests", "guests are there");
      console.log(`frames, 200 guests: ${guests.said}`);
      assert.ok(guests.frames > 1, "frames were measured");
    },
  ));
