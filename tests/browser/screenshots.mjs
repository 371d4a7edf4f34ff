// Pictures of the page for people: twelve named states, each on a desk by day and by night and on a
// phone. They are looked at, not compared.

import { DESKTOP, PHONE, close, screenshot, withPage } from "./harness.mjs";

const send = (page) => page.getByRole("button", { name: "Send", exact: true }).click();
const verdict = (page) => page.locator(".verdict > b").waitFor();
const isPhone = (page) => page.viewportSize().width < 640;

/** Opens the place where menus are: on a phone one menu has them all. */
const menu = (page, name) =>
  page.getByRole("button", isPhone(page) ? { name: "Menu" } : { name }).click();

async function example(page, title) {
  await menu(page, /^Start with/);
  await page.locator(".example").filter({ hasText: title }).first().click();
}

async function breakIt(page, text) {
  await menu(page, "Break something");
  await page.locator(".example").filter({ hasText: text }).click();
}

/** The journey's last hop. */
async function last(page) {
  await page.getByRole("slider", { name: "Hop" }).focus();
  await page.keyboard.press("End");
}

/** The fields of the send bar, which a phone folds away. */
async function fields(page) {
  if (isPhone(page)) await page.locator(".send-summary").click();
}

const STATES = {
  fresh: async (page) => {
    // The panels and the editor come after the first picture.
    await page.locator("#journey > *").first().waitFor();
    if (!isPhone(page)) await page.locator(".cm-content").waitFor();
  },
  "hop-dnat": async (page) => {
    await send(page);
    await verdict(page);
    await page.getByRole("slider", { name: "Hop" }).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
  },
  answered: async (page) => {
    await send(page);
    await verdict(page);
    await last(page);
  },
  cluster: async (page) => {
    await page.getByRole("radio", { name: "Cluster" }).check();
    await send(page);
    await verdict(page);
    await last(page);
  },
  refused: async (page) => {
    await example(page, "a selector that matches nothing");
    await send(page);
    await verdict(page);
    await last(page);
  },
  "timed-out": async (page) => {
    await breakIt(page, "externalTrafficPolicy: Local");
    await page.getByRole("group", { name: "Time" }).waitFor({ state: "detached" });
    await send(page);
    await verdict(page);
    await last(page);
  },
  pending: async (page) => example(page, "the main entrance"),
  names: async (page) => {
    await example(page, "two namespaces");
    await send(page);
    await verdict(page);
    await page.getByRole("tab", { name: "Names" }).click();
  },
  many: async (page) => {
    await fields(page);
    await page.getByRole("combobox", { name: "How many" }).selectOption("×1000");
    await fields(page);
    await send(page);
    await page.locator("section.tally").waitFor();
  },
  "time-held": async (page) => {
    await breakIt(page, "fail their readiness probe");
    await page.getByRole("button", { name: "Hold time" }).click();
  },
  settings: async (page) => {
    if (isPhone(page)) await menu(page);
    await page.getByRole("button", { name: /^Cluster settings/ }).click();
    await page.getByRole("combobox", { name: "Mode" }).selectOption("ipvs");
  },
  unreadable: async (page) => {
    if (isPhone(page)) await page.getByRole("tab", { name: "Manifests" }).click();
    await page.locator(".cm-content").waitFor();
    await page.getByRole("textbox", { name: "Manifests, YAML" }).click();
    await page.keyboard.type("nonsense: [\n");
    await page.getByText("Not applied").waitFor();
  },
};

const LOOKS = {
  light: { viewport: DESKTOP, theme: "light" },
  dark: { viewport: DESKTOP, theme: "dark" },
  phone: { viewport: PHONE, theme: "light" },
};

try {
  for (const [state, reach] of Object.entries(STATES)) {
    for (const [look, options] of Object.entries(LOOKS)) {
      const picture = await withPage(options, async (page) => {
        await reach(page);
        return screenshot(page, `${state}-${look}`);
      });
      console.log(picture);
    }
  }
} finally {
  await close();
}
