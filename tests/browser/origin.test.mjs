// Nothing leaves the browser: a whole lesson, with everything that one can press in it, and who was
// asked meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, site } from "./harness.mjs";

test("no request leaves the origin during a whole lesson", async (t) => {
  const origin = await site();
  const context = await (await launch()).newContext({ reducedMotion: "reduce", viewport: { width: 1440, height: 900 } });
  const asked = [];
  // Of the page, its frames and its workers.
  context.on("request", (request) => asked.push(request.url()));
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("websocket", (socket) => asked.push(socket.url()));
  const refused = [];
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) refused.push(message.text());
  });
  try {
    await page.goto(`${origin}#v1:s:lesson/names`);
    const lesson = page.locator("#lesson");
    await lesson.getByRole("button", { name: "The task" }).waitFor();
    const pressEach = async (buttons) => {
      for (const button of await buttons.all()) await button.click();
    };
    let steps = 0;
    for (;;) {
      steps += 1;
      const show = lesson.getByRole("button", { name: "Show me without a guess" });
      if (await show.count()) await show.click();
      await pressEach(lesson.locator(".lesson-actions button"));
      await pressEach(lesson.getByRole("button", { name: /^(Show me where|Check this step)$/ }));
      const next = lesson.getByRole("button", { name: /^(Next step|To the task)$/ });
      if (!(await next.count())) break;
      await next.click();
    }
    await lesson.getByRole("button", { name: "Show a solution" }).click();
    await pressEach(lesson.locator(".lesson-actions button"));
    await lesson.getByRole("button", { name: "Check", exact: true }).click();
    await lesson.getByText("Done: the goal is met.").waitFor();
    // Each gives its place to what came of it.
    const claims = lesson.getByRole("button", { name: /^Put it to the test/ });
    for (let left = await claims.count(); left > 0; left -= 1) await claims.first().click();
    await page.getByRole("button", { name: "Share", exact: true }).click();
    await page.getByRole("dialog", { name: "Share" }).getByRole("button", { name: "Preview" }).click();
    await page.frameLocator(".share-preview").locator("main").waitFor();
    await page.waitForTimeout(500);
    assert.ok(steps > 2 && asked.length > 10, `${steps} steps, ${asked.length} requests`);
    const elsewhere = asked.filter((url) => !url.startsWith(origin) && !url.startsWith("data:"));
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(refused, [], "nor did anything try");
    t.diagnostic(`${asked.length} requests, all of the page's own origin`);

    // The policy is what holds it: a script in the page cannot ask anybody else.
    const answer = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "asked", (error) => String(error)));
    assert.match(answer, /TypeError/);
    assert.match(refused.join(), /connect-src/);
  } finally {
    await context.close();
  }
});
