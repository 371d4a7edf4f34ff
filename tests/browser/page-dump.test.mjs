// A dump of 5,000 objects is pasted into the editor: how long it takes until the picture of its world is
// painted is printed, not asserted, and so is the longest time for which the page answered nobody.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dump } from "./dump-text.mjs";
import { axe, withPage } from "./harness.mjs";

const DEPLOYMENTS = 830;

/** Pastes, and waits for the picture: milliseconds from the event, and the tasks that took longer than
 *  50 ms, each as its beginning and its length. */
const paste = (page, text) =>
  page.evaluate(
    (text) =>
      new Promise((done) => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        const tasks = [];
        let start = 0;
        const add = (list) => {
          for (const { startTime, duration } of list.getEntries()) {
            tasks.push([Math.round(startTime - start), Math.round(duration)]);
          }
        };
        new PerformanceObserver(add).observe({ type: "longtask" });
        new MutationObserver((_, self) => {
          if (!document.querySelector(".stage-cut")) return;
          self.disconnect();
          requestAnimationFrame(() =>
            setTimeout(() => {
              const painted = Math.round(performance.now() - start);
              setTimeout(() => done({ painted, tasks: tasks.filter(([from]) => from < painted) }), 500);
            }),
          );
        }).observe(document.body, { childList: true, subtree: true });
        start = performance.now();
        document
          .querySelector(".cm-content")
          .dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
      }),
    text,
  );

test("a dump of 5,000 objects, pasted", { timeout: 120_000 }, () =>
  withPage({}, async (page) => {
    page.setDefaultTimeout(60_000);
    const text = dump(DEPLOYMENTS);
    const editor = page.locator(".cm-content");
    await editor.click();
    await page.keyboard.press("Control+a");
    const { painted, tasks } = await paste(page, text);
    console.log(
      `a dump of 5,003 objects and ${(text.length / 1e6).toFixed(1)} MB: painted after ${painted} ms; ` +
        `tasks: ${tasks.map(([from, length]) => `${length} ms from ${from}`).join(", ")}`,
    );
    assert.match(await page.locator(".stage-cut").innerText(), /of 16\d\d Pods, \d+ of 83\d Services/);

    // The list of objects draws the first ones, and more as somebody asks or scrolls.
    const list = page.getByRole("region", { name: "Objects" });
    await list.getByText("web-0-5468c9f76b-d4d00").waitFor();
    const rows = list.getByRole("listitem");
    assert.equal(await rows.count(), 200);
    // Without the scrolling to it that a click by hand brings along.
    await list.getByRole("button", { name: "4803 more objects" }).dispatchEvent("click");
    await list.getByRole("button", { name: "4603 more objects" }).waitFor();
    assert.equal(await rows.count(), 400);
    await list.evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await list.getByRole("button", { name: "4403 more objects" }).waitFor();
    await axe(page);
  }),
);
