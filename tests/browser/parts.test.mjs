// The page's WebAssembly in two parts (docs/size.md): the first is enough to open, the second comes
// by itself, and whoever is faster than it waits, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, site, withPage } from "./harness.mjs";

const html = await (await fetch(await site())).text();
const whole = !html.includes("lobby:rest") && "this build has one part (a development build)";

const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const marks = (page) => page.evaluate(() => performance.getEntriesByType("mark").map((mark) => mark.name));
const isRest = (url) => /-rest-[^/]*\.wasm$/.test(url.pathname);

for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  test(`the first part is enough to open: ${screen}`, { skip: whole }, () =>
    withPage({ viewport }, async (page, seen) => {
      await page.waitForFunction(() => performance.getEntriesByName("lobby:rest").length > 0);
      assert.deepEqual((await marks(page)).filter((name) => name === "lobby:waited"), []);
      const rest = seen.requests.filter((address) => isRest(new URL(address)));
      assert.equal(rest.length, 1, "the rest is fetched, and once");
      const painted = await page.evaluate(() => {
        const [paint] = performance.getEntriesByName("first-contentful-paint");
        const [entry] = performance.getEntriesByType("resource").filter(({ name }) => name.includes("-rest-"));
        return [paint.startTime, entry.startTime];
      });
      assert.ok(painted[0] <= painted[1] + 100, `painted at ${painted[0]}, asked for the rest at ${painted[1]}`);
    }),
  );
}

test("whoever is faster than the rest waits for it", { skip: whole }, () =>
  withPage(
    {
      // The fetch that does not wait never ends; the request that waits goes through.
      before: (page) =>
        page.route(isRest, (route) => (route.request().resourceType() === "fetch" ? undefined : route.fallback())),
    },
    async (page) => {
      await send(page).click();
      await page.locator(".hop").first().waitFor();
      assert.ok((await marks(page)).includes("lobby:waited"));
    },
  ));

test("a rest that does not arrive is said", { skip: whole }, () =>
  withPage(
    {
      mayLog: /./,
      before: (page) => page.route(isRest, (route) => route.abort()),
    },
    async (page) => {
      await send(page).click();
      assert.match(await page.getByRole("alert").innerText(), /did not arrive/);
    },
  ));
