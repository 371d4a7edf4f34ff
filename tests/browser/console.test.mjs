// The console: the commands of the courses one by one, tools from Pods and Nodes, pipes, completion
// and history by keyboard, what runs on, undo, the touch keys of a phone; folded to a line and open.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, NARROW, PHONE, axe, noSidewaysScroll, screenshot, withPage } from "./harness.mjs";

const field = (page) => page.getByRole("combobox", { name: /^Command line/ });
const log = (page) => page.getByRole("log");
const last = (page) => page.locator(".con-entry").last();
const verdict = (page) => page.locator(".verdict > b");

/** Opens a world of the start menu. */
async function example(page, title) {
  await page.getByRole("button", { name: /^(Start with|Menu)/ }).first().click();
  await page.locator(".example", { has: page.getByText(title, { exact: true }) }).click();
}

/** Types a line, and gives what it printed. */
async function run(page, line) {
  const before = await page.locator(".con-entry").count();
  await field(page).fill(line);
  await field(page).press("Enter");
  await page.locator(".con-entry").nth(before).waitFor();
  const out = last(page).locator(".con-out");
  return (await out.count()) ? await out.textContent() : "";
}

/** Waits until a line prints something. */
async function until(page, line, pattern) {
  for (let tries = 0; tries < 60; tries += 1) {
    const text = await run(page, line);
    if (pattern.test(text)) {
      return text;
    }
    await page.waitForTimeout(250);
  }
  throw new Error(`${line}: never ${pattern}`);
}

test("the commands of the courses, one by one", () =>
  withPage({ viewport: DESKTOP }, async (page) => {
    await example(page, "ClusterIP: the internal phone");
    await run(page, "kubectl delete pod test-pod --force --grace-period=0");
    assert.match(await run(page, "kubectl apply -f backend-service.yaml"), /service\/backend-service/);
    assert.match(await run(page, "kubectl get service backend-service"), /^NAME .*\nbackend-service +ClusterIP +10\./m);
    await run(page, "kubectl delete pod test-pod --force --grace-period=0");
    const line = "kubectl run test-pod --rm -it --image=alpine -- wget -qO- http://backend-service:8080";
    assert.match(await run(page, line), /Hello from backend-[\s\S]*pod "test-pod" deleted from default namespace\n$/);
    // Its request is on the stage.
    await verdict(page).filter({ hasText: "Answered" }).waitFor();
    await axe(page);
    await screenshot(page, "console-course");

    for (const type of ["LoadBalancer", "NodePort", "ClusterIP"]) {
      await example(page, "ClusterIP: the internal phone");
      await run(page, "kubectl create deployment web --image=nginx");
      assert.equal(await run(page, `kubectl expose deployment web --port=80 --type=${type}`), "service/web exposed\n");
      assert.match(await run(page, "kubectl get services"), new RegExp(`^web +${type} `, "m"));
    }

    await example(page, "NodePort: the side doors");
    assert.match(await run(page, "kubectl apply -f frontend-service.yaml"), /frontend-service/);
    assert.match(await run(page, "curl http://node-2:30080"), /Welcome to nginx!/);
    await verdict(page).filter({ hasText: "Answered" }).waitFor();

    await example(page, "LoadBalancer: the main entrance");
    assert.match(await run(page, "kubectl get service frontend-service -w # Watch EXTERNAL-IP appear"), /<pending>/);
    await run(page, "lab provider metallb");
    await log(page).getByText(/LoadBalancer +10\.[\d.]+ +192\.168/).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
  }));

test("tools from a Pod and a Node, pipes, and a shell in a Pod", () =>
  withPage({ viewport: DESKTOP, theme: "dark" }, async (page) => {
    await example(page, "ClusterIP: the internal phone");
    assert.match(await run(page, "kubectl exec test-pod -- nslookup backend-service"), /Name:\tbackend-service\.default\.svc\.cluster\.local/);
    assert.match(await run(page, "kubectl debug node/node-1 -it -- iptables-save | grep -c KUBE-SVC"), /^\d+\n$/);
    assert.match(await run(page, "kubectl get pods -A | awk 'NR>1 {print $2}' | sort | head -3"), /^backend-/);
    await run(page, "kubectl exec -it test-pod -- sh");
    await page.locator(".con-form .con-prompt", { hasText: "test-pod #" }).waitFor();
    assert.match(await run(page, "cat /etc/resolv.conf"), /nameserver 10\.96\.0\.10/);
    assert.match(await run(page, "env | grep BACKEND_SERVICE_SERVICE_HOST"), /=10\./);
    assert.match(await run(page, "curl -s http://nothing || echo code $((1))"), /substitution is not there/);
    assert.match(await run(page, "nosuch"), /not found/);
    await screenshot(page, "console-tools");
    await axe(page);
    await run(page, "exit");
    await page.locator(".con-form .con-prompt", { hasText: "$" }).waitFor();
  }));

test("a change shows at once and is taken back, by the keyboard alone", () =>
  withPage({ viewport: DESKTOP }, async (page) => {
    await example(page, "NodePort: the side doors");
    await until(page, "kubectl scale deployment frontend --replicas=5 && kubectl get deployment frontend", /frontend +\d\/5/);
    await until(page, "kubectl get deployment frontend", /5\/5/);
    await page.getByText("Made up: 5 of 5").first().waitFor();
    // History.
    await field(page).press("ArrowUp");
    assert.equal(await field(page).inputValue(), "kubectl get deployment frontend");
    await field(page).press("ArrowUp");
    assert.match(await field(page).inputValue(), /^kubectl scale/);
    await field(page).press("ArrowDown");
    await field(page).press("ArrowDown");
    assert.equal(await field(page).inputValue(), "");
    // Completion.
    await field(page).pressSequentially("kubectl get d");
    await field(page).press("Tab");
    await page.getByRole("option", { name: "deployments resource" }).waitFor();
    await axe(page);
    await screenshot(page, "console-completion");
    await field(page).press("ArrowDown");
    await field(page).press("ArrowDown");
    await field(page).press("Enter");
    assert.match(await field(page).inputValue(), /^kubectl get \S+ $/);
    await field(page).press("Control+c");
    assert.equal(await field(page).inputValue(), "");
    // A heredoc over several lines.
    await field(page).fill("cat <<EOF | wc -l");
    await field(page).press("Enter");
    await field(page).fill("one");
    await field(page).press("Enter");
    await field(page).fill("EOF");
    await field(page).press("Enter");
    await last(page).locator(".con-out", { hasText: /^1\n$/ }).waitFor();
    // Tab leaves an empty field.
    await field(page).press("Tab");
    assert.equal(await field(page).evaluate((own) => document.activeElement === own), false);
    assert.equal(await run(page, "lab reset"), "");
    assert.match(await run(page, "kubectl get deployment frontend"), /frontend +\d\/[^5]/);
    await field(page).press("Control+l");
    assert.equal(await page.locator(".con-entry").count(), 0);
  }));

test("folded it is one line, and a line opens it", () =>
  withPage({ viewport: DESKTOP }, async (page) => {
    await field(page).waitFor();
    assert.equal(await log(page).isVisible(), false);
    await screenshot(page, "console-folded");
    await axe(page);
    await run(page, "lab help");
    await log(page).waitFor();
    await page.getByRole("button", { name: "Fold the console" }).click();
    await log(page).waitFor({ state: "hidden" });
  }));

for (const [name, viewport] of [["phone", PHONE], ["narrow", NARROW]]) {
  test(`on a ${name} it is a panel with keys of its own`, () =>
    withPage({ viewport, touch: true }, async (page) => {
      await page.getByRole("tab", { name: "Console" }).click();
      // Whoever opens it can type at once.
      await field(page).waitFor();
      await page.waitForFunction(() => document.getElementById("con-input").getBoundingClientRect().bottom <= innerHeight);
      assert.match(await run(page, "kubectl get services"), /kubernetes/);
      await noSidewaysScroll(page);
      await axe(page);
      await screenshot(page, `console-${name}`);
      const pipe = page.getByRole("button", { name: "Pipe" });
      if (await pipe.isVisible()) {
        await field(page).fill("kubectl get services ");
        await pipe.click();
        assert.equal(await field(page).inputValue(), "kubectl get services |");
      }
    }));
}
