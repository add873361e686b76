/**
 * A view of a cluster: QUAERO_JOB runs on the worker w1 (two slots), QUAERO_WAITS waits in the queue `gpu`, which only
 * the lost worker w2 served. QUAERO_PLAIN_URL and QUAERO_PLAIN_TOKEN are a server's that knows of no cluster.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { needed, openPage, says, shoot, SHOTS, TOKEN, URL_ } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const WAITS = needed("QUAERO_WAITS");
const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
/** Where there are pictures to be taken, of each theme in each width. */
const LOOKS = [["light", WIDE], ["dark", NARROW], ...(SHOTS ? [["dark", WIDE], ["light", NARROW]] : [])];

/** Press Enter on a link. What is not shown yet is there already, and takes no focus. */
async function enter(page, link) {
  await link.waitFor();
  await link.focus();
  await page.keyboard.press("Enter");
}

const card = (page, name) => page.locator(".card", { hasText: name });

for (const [colorScheme, viewport] of LOOKS) {
  const size = viewport === WIDE ? "wide" : "narrow";
  test(`workers and queues, ${colorScheme}, ${size}`, async () => {
    const { page, wrong, close } = await openPage({ fragment: "#/workers", colorScheme, viewport });
    await says(page, ".card", "1 of 2 slots busy");
    await says(page, ".card.is-bad", "Lost");
    assert.equal(await page.locator(".card .tag").allInnerTexts().then((tags) => tags.join(" ")), "default gpu=a100 gpu");
    await says(page, ".pairs > div", "no worker takes its jobs");
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`), []);
    assert.ok(await page.evaluate(() => document.querySelector(".main").scrollWidth <= innerWidth), "it is too wide");
    await shoot(page, `workers-${size}-${colorScheme}`);
    await page.goto(page.url().replace(/#.*/, "#/"));
    await says(page, ".jobs-row", "on w1");
    await shoot(page, `jobs-of-cluster-${size}-${colorScheme}`);
    assert.deepEqual(wrong, []);
    await close();
  });
}

test("from the pages to a worker, to its job, and back, by keyboard", async () => {
  const { page, wrong, close } = await openPage();
  await enter(page, page.locator(".crumbs a", { hasText: "Workers" }));
  await enter(page, card(page, "w1").locator(`a[href="#/job/${JOB}"]`));
  await says(page, ".job-facts", "w1");
  await page.keyboard.press("d");
  await says(page, ".facts", "stay on the worker w1");
  await shoot(page, "job-of-cluster");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("w1 worker");
  await says(page, ".palette-item[aria-selected=true]", "w1");
  await page.keyboard.press("Enter");
  await says(page, "h1", "Workers");
  assert.deepEqual(wrong, []);
  await close();
});

test("what changes is seen by whoever looks", async () => {
  const { page, close } = await openPage({ fragment: "#/workers" });
  await says(page, ".card", "1 of 2 slots busy");
  const headers = { Authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`${URL_}/api/job-definitions/beside/execute`, { method: "POST", headers });
  const { job_id: another } = await answer.json();
  await says(page, ".card", "2 of 2 slots busy");
  await fetch(`${URL_}/api/jobs/${another}/cancel`, { method: "POST", headers });
  await says(page, ".card", "1 of 2 slots busy");
  await close();
});

test("a job that nobody may take says why", async () => {
  const { page, close } = await openPage();
  await says(page, `.jobs-row:has(a[href="#/job/${WAITS}"])`, "no worker serves the queue gpu");
  await close();
});

test("the service log says who came and who took what", async () => {
  const { page, close } = await openPage({ fragment: "#/service" });
  await says(page, ".main .log-message", "Worker w1 is there: 2 slots, queues default, gpu=a100");
  await says(page, ".main .log-message", `Worker w1: Job ${JOB} is taken`);
  await close();
});

test("a server without a cluster shows nothing of it", async () => {
  const { page, wrong, close } = await openPage({ url: needed("QUAERO_PLAIN_URL"), token: needed("QUAERO_PLAIN_TOKEN") });
  await page.evaluate(() => fetch("api/health")); // asked after it was asked for workers
  await says(page, ".blank-title", "No jobs yet");
  assert.equal(await page.locator(".crumbs a", { hasText: "Workers" }).isVisible(), false);
  assert.deepEqual(wrong, []);
  await close();
});
