// What every visit begins with, so that the release build knows which code that takes: the page
// opens, on screens of all sizes. Prints the marks that were set, one a line.
//
// `cargo xtask build` runs it on a page whose WebAssembly is marked (docs/size.md). What is not done
// here comes with the second part, which is fetched as soon as the page was painted.

import { DESKTOP, PHONE, NARROW, close, withPage } from "./harness.mjs";

const ran = new Set();

/** Keeps the module's exports, among them the marks, where `marks` finds them. */
async function keepExports(page) {
  await page.addInitScript(() => {
    const { instantiate, instantiateStreaming } = WebAssembly;
    const kept = (make) => async (...args) => {
      const made = await make(...args);
      globalThis.lobbyExports ??= (made.instance ?? made).exports;
      return made;
    };
    WebAssembly.instantiate = kept(instantiate);
    WebAssembly.instantiateStreaming = kept(instantiateStreaming);
  });
}

async function marks(page) {
  const names = await page.evaluate(() =>
    Object.entries(globalThis.lobbyExports)
      .filter(([name, mark]) => name.startsWith("ran.") && mark.value === 1)
      .map(([name]) => name),
  );
  for (const name of names) {
    ran.add(name);
  }
}

const visitors = [
  { viewport: DESKTOP, motion: "no-preference" },
  { viewport: DESKTOP, theme: "dark" },
  { viewport: { width: 1024, height: 700 } },
  { viewport: PHONE, touch: true, theme: "dark", motion: "no-preference" },
  { viewport: NARROW, touch: true },
];
for (const visitor of visitors) {
  await withPage({ ...visitor, before: keepExports }, async (page) => {
    // Until what follows the first paint has run as well: the editor arrives, sizes are measured.
    await page.waitForFunction(() => performance.getEntriesByName("lobby:drawn").length > 0);
    await page.waitForTimeout(800);
    await marks(page);
  });
}
await close();
console.log([...ran].join("\n"));
