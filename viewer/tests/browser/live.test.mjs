/**
 * A job that goes on when it is told to, watched on its page and in the list: what opens by itself, what is told while
 * nobody looks, what is left out. No page is ever reloaded.
 *
 * QUAERO_JOB is a job whose step `gate` prints `steps.txt` in QUAERO_GATE as it grows, and ends when `end` is in it;
 * its step `after` waits for that. QUAERO_OTHER is the process of another job's runner.
 */

import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { api, becomes, needed, openContext, openTab, readUp, says, URL_ } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const FILE = join(needed("QUAERO_GATE"), "steps.txt");
const main = (page, selector, options) => page.locator(".main").locator(selector, options);

/** Let the job log these lines. */
const log = (...lines) => appendFileSync(FILE, lines.map((line) => `${line}\n`).join(""));

/** How many entries of the job are stored. */
const stored = async () => (await api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`)).meta.total_count;

/** Let the job log these lines, and wait until they are stored; what it logged before is stored already. */
async function store(...lines) {
  const already = await stored();
  log(...lines);
  await becomes(async () => (await stored()) >= already + lines.length, true);
}

/** The page loses its connection, and gets it back when `meanwhile` is over. */
async function away(page, meanwhile) {
  await page.evaluate(() => dispatchEvent(new Event("pagehide")));
  await says(page, ".main .pill", "Reconnecting");
  await meanwhile();
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await says(page, ".main .pill", "Live");
}

let context;
let watcher; // the job's page
before(async () => {
  context = await openContext({ permissions: ["notifications"] });
  // Without a worker its requests are the page's own, and can be seen. What the browser would show is written down.
  await context.addInitScript(() => {
    delete globalThis.SharedWorker;
    globalThis.notices = [];
    globalThis.Notification = class {
      static permission = "granted";
      static requestPermission = () => Promise.resolve("granted");
      constructor(title, options) {
        globalThis.notices.push([title, options]);
      }
      addEventListener() {}
    };
  });
  watcher = await openTab(context);
  await watcher.page.evaluate((hash) => (location.hash = hash), `#/job/${JOB}`);
  await says(watcher.page, ".main .pill", "Live");
});
after(() => context.close());

const opener = (page, step) => main(page, `.opener[aria-label="More about ${step}"]`);
const isOpen = (page, step, open) => main(page, `.opener[aria-label="More about ${step}"][aria-expanded=${open}]`).waitFor();

test("a running step opens by itself; what the reader chooses stays, whatever comes", async () => {
  const { page } = watcher;
  await isOpen(page, "gate", true);
  await isOpen(page, "after", false);
  await opener(page, "gate").click();
  await opener(page, "after").click();
  log("chosen");
  await says(page, ".main .log-message", "chosen");
  await isOpen(page, "gate", false);
  await isOpen(page, "after", true);
});

test("the tab tells that the job runs, and the counts of the levels are live", async () => {
  const { page } = watcher;
  await page.waitForFunction(() => document.title.startsWith("●"));
  await page.locator("link[rel=icon][href$='tab-running.svg']").waitFor({ state: "attached" });
  const count = async (level) => Number((await main(page, `.chip.log-level-${level} .chip-count`).textContent()).replace(",", ""));
  const before_ = await count("error");
  log("ERROR broken one", "WARN odd one");
  await says(page, ".main .chip.log-level-error .chip-count", String(before_ + 1));
});

test("a mark stands where the line was cut, and nothing is missing there", async () => {
  const { page } = watcher;
  log("before the cut");
  await says(page, ".main .log-message", "before the cut");
  await away(page, () => store("during the cut"));
  const row = main(page, ".log-row", { hasText: "during the cut" });
  await says(page, ".main .log-row.has-mark .log-mark", "reconnected here; nothing is missing");
  assert.match(await row.locator(".log-mark").textContent(), /reconnected here/);
  const numbers = await main(page, ".log-number").allTextContents();
  numbers.slice(1).forEach((number, at) => assert.equal(Number(number), Number(numbers[at]) + 1));
});

test("in the list, an opened job streams its entries, and a closed one leaves the connection", async () => {
  const { page, wrong } = await openTab(context);
  const asked = [];
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname === "/api/logs/streams") asked.push(searchParams.getAll("stream").map((query) => new URLSearchParams(query)));
  });
  /** The lowest level at which the newest connection follows the job. */
  const level = () => asked.at(-1)?.find((query) => query.getAll("job_id").includes(JOB))?.get("level");
  const settles = (wanted) => becomes(level, wanted);
  await page.evaluate(() => (location.hash = "#/?status=running&definition=gated"));
  await main(page, ".jobs-row").first().waitFor();
  await settles("error"); // its state alone
  await main(page, ".opener").first().click();
  await says(page, ".preview-steps li", "gate");
  await settles("info");
  log("into the list");
  await says(page, ".preview-message", "into the list");
  assert.match(page.url(), new RegExp(`open=${JOB}`));
  await main(page, ".opener").first().click();
  await main(page, ".preview-log").waitFor({ state: "detached" });
  await settles("error");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("a reader far behind is moved ahead, told so, and finds what was left out on the way up", async () => {
  const { page } = watcher;
  const flood = Array.from({ length: 7500 }, (_, at) => `flood ${at + 1}`);
  await away(page, () => store(...flood));
  await says(page, ".main .notice", "skipped to keep up; scroll up to load them");
  await says(page, ".main .log-message", "flood 7500");
  const messages = (await readUp(page, "flood 1")).map(([, message]) => message);
  const seen = messages.filter((message) => message.startsWith("flood "));
  const missing = flood.filter((message) => !seen.includes(message));
  assert.deepEqual([missing.length, missing.slice(0, 100), missing.at(-1)], [0, [], undefined]);
  assert.deepEqual(seen, flood);
});

test("a runner that dies is told: its job is interrupted, and the closed service panel has the error's mark", async () => {
  const { page, wrong } = await openTab(context);
  await page.evaluate(() => (location.hash = "#/?status=interrupted"));
  await page.locator(".panel .pill-live").first().waitFor({ state: "attached" });
  process.kill(Number(needed("QUAERO_OTHER")), "SIGKILL");
  await says(page, ".jobs-row .status", "Interrupted");
  await page.locator(".panel-badge.is-bad:visible").waitFor();
  await says(page, ".panel-toggle", "new, with errors");
  await page.keyboard.press("`");
  await says(page, ".panel .log-row.log-level-error .log-message", "Job interrupted");
  await page.locator(".panel-badge").waitFor({ state: "hidden" });
  await page.keyboard.press("`");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("when a watched job ends the browser is asked to tell, and the tab shows how", async () => {
  const { page, wrong } = watcher;
  await main(page, "text=Notify").click();
  await main(page, "button[aria-pressed=true]", { hasText: "Notify" }).waitFor();
  log("end");
  await says(page, ".main .pill", "Log complete");
  await page.waitForFunction(() => globalThis.notices.length > 0);
  await page.waitForFunction(() => document.title.startsWith("✓"));
  await page.locator("link[rel=icon][href$='tab-done.svg']").waitFor({ state: "attached" });
  const notices = await page.evaluate(() => globalThis.notices);
  assert.equal(notices.length, 1);
  assert.match(notices[0][1].body, /^Completed after/);
  assert.deepEqual(wrong, []);
  assert.ok(page.url().startsWith(URL_));
});
