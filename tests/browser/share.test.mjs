// The Share dialog, and opening what was saved.

import assert from "node:assert/strict";
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NARROW, PHONE, axe, noSidewaysScroll, screenshot, site, withPage } from "./harness.mjs";

const dialog = (page) => page.getByRole("dialog", { name: "Share" });
const copied = (page) => dialog(page).getByRole("textbox", { name: "To copy" });
const choose = (page, name) => dialog(page).getByRole("radio", { name, exact: true }).check();

const openShare = async (page) => {
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await copied(page).waitFor();
};

const openFile = async (page, name, text) => {
  await page.getByRole("button", { name: /^Start with/ }).click();
  await page.getByLabel("Open a file").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
};

const note = (page, text) => page.locator(".notices").getByText(text);

/** What a link carries. */
const carried = async (page, link) =>
  JSON.parse(
    await page.evaluate(async (payload) => {
      const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      return await new Response(stream).text();
    }, link.split("#v1:z:")[1]),
  );

test("every form holds the world, in every size", () =>
  withPage({}, async (page) => {
    await openShare(page);
    await axe(page);
    const home = await site();
    const link = await copied(page).inputValue();
    assert.ok(link.startsWith(`${home}#v1:z:`), link);
    const world = await carried(page, link);
    assert.equal(world.v, 1);
    assert.match(world.text, /kind: Service/);

    await choose(page, "Frame");
    for (const [name, size] of [["720 × 420", 'width="720" height="420"'], ["1024 × 640", 'width="1024" height="640"'], ["full width × 480", 'width="100%" height="480"']]) {
      await choose(page, name);
      const code = await copied(page).inputValue();
      assert.match(code, /^<iframe title="[^"]+"[^>]* sandbox="allow-scripts[^"]*"[^>]*><\/iframe>$/);
      assert.ok(code.includes(size), code);
    }
    await choose(page, "Element");
    assert.match(await copied(page).inputValue(), /<script type="module" src="[^"]+embed\.js"><\/script>\n<lobby-lab height="480" link="v1:z:/);
    await choose(page, "Markdown");
    assert.match(await copied(page).inputValue(), /^\[Open this world in Lobby\]\(http[^)]+#v1:z:[\w-]+\)$/);
    // Only a frame has a size.
    assert.equal(await dialog(page).getByRole("group", { name: "Size" }).count(), 0);

    await dialog(page).getByRole("button", { name: "Copy" }).click();
    await dialog(page).getByRole("status").getByText(/Copied|Ctrl C/).waitFor();
    await screenshot(page, "share");
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "hidden" });
  }));

test("the preview is the embed itself, and lives", () =>
  withPage({}, async (page) => {
    await openShare(page);
    await choose(page, "Frame");
    await dialog(page).getByRole("button", { name: "Preview" }).click();
    const inside = page.frameLocator(".share-preview");
    await inside.getByRole("button", { name: "Send", exact: true }).click();
    await inside.locator(".embed-foot").getByText("Answered").waitFor();
    await screenshot(page, "share-preview");
  }));

test("a link of a world in which something was done opens it as it is", () =>
  withPage({}, async (page) => {
    const console_ = page.getByRole("combobox", { name: /^Command line/ });
    await console_.fill("kubectl scale deployment frontend --replicas=1");
    await console_.press("Enter");
    await openShare(page);
    const link = await copied(page).inputValue();
    const world = await carried(page, link);
    // Time may have passed since, and does again.
    assert.equal(world.lines[0], "kubectl scale deployment frontend --replicas=1");
    await page.goto("about:blank");
    await page.goto(link);
    await page.getByRole("button", { name: /^Take back/ }).waitFor();
    await openShare(page);
    assert.equal((await carried(page, await copied(page).inputValue())).text, world.text);
  }));

test("a link shows what was sent, the same hop, and the panel in front", () =>
  withPage({}, async (page) => {
    const from = page.getByRole("combobox", { name: "From" });
    await from.click();
    await page.keyboard.type("node-2");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    const hops = await page.locator(".hop").count();
    assert.ok(hops > 2);
    await page.locator(".hop button").nth(1).click();
    const seen = await page.locator(".journey").innerText();
    assert.match(seen, /node-2/);
    await page.getByRole("tab", { name: "Names" }).click();
    await openShare(page);
    const link = await copied(page).inputValue();
    const { view } = await carried(page, link);
    assert.equal(view.from, "node/node-2");
    assert.equal(view.panel, "names");

    await page.goto("about:blank");
    await page.goto(link);
    await page.getByRole("tab", { name: "Names", selected: true }).waitFor();
    assert.equal(await from.inputValue(), "node-2");
    await openShare(page);
    assert.deepEqual((await carried(page, await copied(page).inputValue())).view, view);
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Journey" }).click();
    assert.equal(await page.locator(".journey").innerText(), seen);
  }));

const DUMP = `apiVersion: v1
kind: Service
metadata:
  name: ledger
  namespace: payments
  uid: 6f0e1c1e-1111-2222-3333-444455556666
  creationTimestamp: "2026-01-02T03:04:05Z"
  resourceVersion: "12345"
spec:
  clusterIP: 10.96.44.5
  clusterIPs: [10.96.44.5]
  selector: {app: ledger}
  ports: [{port: 80, targetPort: 8080}]
`;

test("a dump is shared after its redacted form was looked at", () =>
  withPage({}, async (page) => {
    await openFile(page, "dump.yaml", DUMP);
    await note(page, "Opened dump.yaml").waitFor();
    await page.getByRole("button", { name: "Share", exact: true }).click();
    const shown = dialog(page).getByRole("textbox", { name: "What is shared" });
    await shown.waitFor();
    assert.equal(await copied(page).count(), 0, "not before it was looked at");
    assert.doesNotMatch(await shown.inputValue(), /ledger|payments|10\.96\.44\.5/);
    await axe(page);
    await screenshot(page, "share-dump");
    await dialog(page).getByRole("checkbox", { name: "Replace names and addresses" }).uncheck();
    assert.match(await shown.inputValue(), /ledger/);
    await dialog(page).getByRole("checkbox", { name: "Replace names and addresses" }).check();
    await dialog(page).getByRole("button", { name: "I looked at it: go on" }).click();
    const world = await carried(page, await copied(page).inputValue());
    assert.doesNotMatch(world.text, /ledger|payments/);
    assert.deepEqual(world.lines ?? [], []);
    assert.deepEqual(Object.keys(world.view ?? {}).filter((name) => name !== "skin"), []);
  }));

test("what was saved is opened again, with what was done", () =>
  withPage({}, async (page) => {
    const folder = mkdtempSync(join(tmpdir(), "lobby-share-"));
    try {
      const console_ = page.getByRole("combobox", { name: /^Command line/ });
      await console_.fill("kubectl scale deployment frontend --replicas=1");
      await console_.press("Enter");
      await openShare(page);
      const download = page.waitForEvent("download");
      await dialog(page).getByRole("link", { name: "Save as a file" }).click();
      const file = join(folder, (await download).suggestedFilename());
      await (await download).saveAs(file);
      assert.match(file, /world\.lobby\.json$/);
      await page.keyboard.press("Escape");

      await openFile(page, "empty.yaml", "# nothing\n");
      await note(page, "Opened empty.yaml").waitFor();
      await page.getByRole("button", { name: /^Start with/ }).click();
      await page.getByLabel("Open a file").setInputFiles(file);
      await note(page, "Opened world.lobby.json").waitFor();
      await page.getByRole("button", { name: /^Take back/ }).and(page.locator(":enabled")).waitFor();
      await page.locator(".cm-content", { hasText: "kind: Deployment" }).waitFor();

      await openFile(page, "tomorrow.json", '{"v": 2, "text": ""}');
      await note(page, "tomorrow.json: this link has version").waitFor();
      await axe(page);
      writeFileSync(file, "");
    } finally {
      rmSync(folder, { recursive: true });
    }
  }));

test("a long link says that a file is better", () =>
  withPage({}, async (page) => {
    let text = "";
    for (let at = 0, x = 1; at < 900; at += 1) {
      x = (x * 48271) % 2147483647;
      text += `# ${x.toString(36)}${(x * 7).toString(36)}\n`;
    }
    await openFile(page, "long.yaml", text);
    await note(page, "Opened long.yaml").waitFor();
    await openShare(page);
    await dialog(page).getByText("A file is easier to send").waitFor();
  }));

for (const [name, viewport] of Object.entries({ phone: PHONE, narrow: NARROW })) {
  test(`the dialog fits a small screen: ${name}`, () =>
    withPage({ viewport, touch: true }, async (page) => {
      await page.getByRole("button", { name: "Menu" }).tap();
      await page.getByRole("button", { name: "Share", exact: true }).tap();
      await copied(page).waitFor();
      await axe(page);
      await noSidewaysScroll(page);
      await screenshot(page, `share-${name}`);
    }));
}
