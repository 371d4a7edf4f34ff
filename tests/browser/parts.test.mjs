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

test("the first picture needs no rest, and the panels beside it come with it", { skip: whole }, () => {
  let letThrough;
  const held = new Promise((resolve) => {
    letThrough = resolve;
  });
  return withPage(
    { before: (page) => page.route(isRest, (route) => held.then(() => route.fallback())) },
    async (page) => {
      await page.waitForFunction(() => performance.getEntriesByName("lobby:drawn").length > 0);
      assert.match(await page.getByRole("textbox", { name: "Manifests, YAML" }).inputValue(), /kind: Service/);
      assert.ok(await page.locator("#stage svg").first().isVisible());
      assert.ok(await send(page).isVisible());
      assert.equal(await page.locator("#journey > *").count(), 0);
      assert.deepEqual((await marks(page)).filter((name) => name === "lobby:waited"), []);
      letThrough();
      await page.locator("#journey > *").first().waitFor();
      await page.locator("#rules > *").first().waitFor();
    },
  );
});

test("a rest that does not arrive is said", { skip: whole }, () =>
  withPage(
    {
      mayLog: /./,
      before: (page) => page.route(isRest, (route) => route.abort()),
    },
    async (page) => {
      // Before anybody asks for it: half of the panels wait for it.
      const said = page.getByRole("alert").filter({ hasText: "did not arrive" });
      await said.waitFor();
      await send(page).click();
      assert.equal(await said.count(), 1);
    },
  ));
