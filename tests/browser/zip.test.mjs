// The zip that `cargo xtask dist` makes: unpacked into any folder of any static host it is the lab.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DIST, launch, serveFolder } from "./harness.mjs";

const build = fileURLToPath(new URL("../../xtask/node/", import.meta.url));
const noPacker = existsSync(join(build, "node_modules/fflate"))
  ? false
  : "what packs it is not installed (a release build installs it)";
if (noPacker) console.log(`left out: ${noPacker}`);

test("the zip, unpacked below any path, is the lab", { skip: noPacker }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "lobby-zip-"));
  const pack = () => execFileSync(process.execPath, [join(build, "pack.mjs"), DIST, folder, "lobby-test"], { stdio: "pipe" });
  pack();
  const zip = readFileSync(join(folder, "lobby-test.zip"));
  const sum = createHash("sha256").update(zip).digest("hex");
  assert.equal(readFileSync(join(folder, "SHA256SUMS"), "utf8"), `${sum}  lobby-test.zip\n`);
  pack();
  assert.ok(readFileSync(join(folder, "lobby-test.zip")).equals(zip), "the same site gives the same zip");

  const { unzipSync } = createRequire(join(build, "pack.mjs"))("fflate");
  const home = join(folder, "some", "course");
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    const file = join(home, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  const server = await serveFolder(folder);
  const context = await (await launch()).newContext({ serviceWorkers: "block" });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${server.address}some/course/lobby-test/`);
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("Answered").first().waitFor();
  } finally {
    await context.close();
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
