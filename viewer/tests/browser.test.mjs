/**
 * The page in a real Chromium against a real server.
 *
 * QUAERO_URL and QUAERO_TOKEN say which server, QUAERO_JOB a job that has ended, or ends within a minute, with at most
 * 10,000 entries (the test reads every line, and the page holds so many).
 * QUAERO_DEFINITION, if set, is a definition that is started from the form; it must complete within half a minute.
 * QUAERO_SHOTS, if set, is a folder for screenshots. QUAERO_CHROMIUM is the browser (default: the system's).
 * Without a server the test fails; QUAERO_SKIP_BROWSER=1 is the only way around it.
 */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

const { QUAERO_URL, QUAERO_TOKEN, QUAERO_JOB, QUAERO_DEFINITION, QUAERO_SHOTS, QUAERO_SKIP_BROWSER } = process.env;
const CHROMIUM = process.env.QUAERO_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const PATIENCE = { timeout: 60_000 };
const skip = QUAERO_SKIP_BROWSER === "1";

let browser;

before(async () => {
  if (skip) return;
  const missing = ["QUAERO_URL", "QUAERO_TOKEN", "QUAERO_JOB"].filter((name) => !process.env[name]);
  assert.deepEqual(missing, [], "set these, or QUAERO_SKIP_BROWSER=1");
  if (QUAERO_SHOTS) mkdirSync(QUAERO_SHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});

after(() => browser?.close());

/** A page of its own that writes down everything that should not be. */
async function openPage({ fragment = "#/", token = QUAERO_TOKEN, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && wrong.push(`console: ${line.text()}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => {
      // eslint-disable-next-line no-console -- the way out of the page
      console.error(`CSP: ${violatedDirective} ${blockedURI} ${sourceFile}`);
    });
  });
  if (token) {
    await page.goto(`${QUAERO_URL}/#t=${token}`);
    await page.waitForFunction(() => !location.hash.includes("t="));
  }
  await page.goto(`${QUAERO_URL}/${fragment}`);
  return { page, wrong };
}

async function shoot(page, name) {
  if (QUAERO_SHOTS) await page.screenshot({ path: join(QUAERO_SHOTS, `${name}.png`) });
}

async function api(path) {
  const response = await fetch(`${QUAERO_URL}/api/${path}`, { headers: { Authorization: `Bearer ${QUAERO_TOKEN}` } });
  assert.equal(response.status, 200, path);
  return response.json();
}

async function openJob(options) {
  const opened = await openPage({ fragment: `#/job/${QUAERO_JOB}`, ...options });
  await opened.page.locator(".main .pill-ended").waitFor(PATIENCE);
  await opened.page.locator(".main .log-row").first().waitFor(PATIENCE);
  return opened;
}

const words = (number) => number.toLocaleString("en-US");
const chip = (page, name) => page.locator(`.main button.chip.log-level-${name}`);
const totals = (page, text) => page.locator(".main .log-totals", { hasText: text }).waitFor(PATIENCE);

/** Wait until what was scrolled to is painted: the list is told with the next frame, and may take another. */
function painted(page) {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  return page.evaluate(frame);
}

/** Scroll through the whole log and return the line numbers in the order in which they were shown. */
async function readAll(page) {
  const scroller = page.locator(".main .log-scroller");
  while ((await page.locator(".main .log-beginning").textContent()) === "") {
    await scroller.evaluate((list) => (list.scrollTop = 0));
    await painted(page);
  }
  await scroller.evaluate((list) => (list.scrollTop = 0));
  const seen = [];
  for (let more = true; more; ) {
    await painted(page);
    const shown = await page.locator(".main .log-number").allTextContents();
    seen.push(...shown.map(Number).filter((number) => number > (seen.at(-1) ?? 0)));
    more = await scroller.evaluate((list) => {
      const top = list.scrollTop;
      list.scrollTop = top + list.clientHeight;
      return list.scrollTop > top;
    });
  }
  return seen;
}

test("the token leaves the address at once and opens the list", { skip }, async () => {
  const { page, wrong } = await openPage();
  const { jobs } = await api("jobs?limit=100");
  await page.locator(".jobs-row").first().waitFor(PATIENCE);
  assert.equal(await page.locator(".jobs-row").count(), jobs.length);
  assert.equal(await page.locator(".job-link").first().textContent(), jobs[0].name);
  assert.ok(!page.url().includes(QUAERO_TOKEN));
  assert.equal(await page.evaluate(() => sessionStorage.getItem("quaero.token")), QUAERO_TOKEN);
  await shoot(page, "jobs-light");
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("without a token the page asks for it, and goes on where it was", { skip }, async () => {
  const { page } = await openPage({ token: null, fragment: `#/job/${QUAERO_JOB}` });
  await page.locator("#token").waitFor(PATIENCE);
  await shoot(page, "token");
  await page.fill("#token", `${QUAERO_URL}/#t=${QUAERO_TOKEN}`);
  await page.click(".token-form .button");
  await page.locator(".main .log-row").first().waitFor(PATIENCE);
  assert.ok(page.url().endsWith(`#/job/${QUAERO_JOB}`));
  await page.context().close();
});

test("a job is opened from the list, and its numbers are the API's", { skip }, async () => {
  const { page, wrong } = await openPage({ colorScheme: "dark" });
  await page.locator(`a[href="#/job/${QUAERO_JOB}"]`).click();
  await page.locator(".main .pill-ended").waitFor(PATIENCE);
  const { meta } = await api(`logs?scope=job&job_id=${QUAERO_JOB}&level=info&limit=1`);
  await totals(page, `of ${words(meta.displayed_count)} filtered (${words(meta.total_count)} total)`);
  for (const [level, count] of Object.entries(meta.counts)) {
    assert.equal(await chip(page, level).locator(".chip-count").textContent(), words(count), level);
  }
  const { job } = await api(`jobs/${QUAERO_JOB}`);
  assert.equal(await page.locator(".job-title h1").textContent(), job.name);
  assert.match(await page.title(), new RegExp(job.name));
  await shoot(page, "job-dark");
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("every line is there once, in order, however one scrolls", { skip }, async () => {
  const { page, wrong } = await openJob();
  await chip(page, "debug").click();
  const { meta } = await api(`logs?scope=job&job_id=${QUAERO_JOB}&level=debug&limit=1`);
  await totals(page, `of ${words(meta.total_count)} filtered (${words(meta.total_count)} total)`);
  const lines = await readAll(page);
  assert.deepEqual([lines.length, lines[0], lines.at(-1)], [meta.total_count, 1, meta.total_count]);
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("a step and a level filter the log, and the numbers follow", { skip }, async () => {
  const { page, wrong } = await openJob({ colorScheme: "dark" });
  const { steps } = await api(`jobs/${QUAERO_JOB}`);
  const { name } = steps[0];
  await page.locator(".step:not(.step-all)").first().click();
  const of = (level) => api(`logs?scope=job&job_id=${QUAERO_JOB}&step=${encodeURIComponent(name)}&level=${level}&limit=1`);
  const all = (await of("info")).meta;
  await totals(page, `of ${words(all.displayed_count)} filtered (${words(all.total_count)} total)`);
  await chip(page, "warn").click();
  await totals(page, `of ${words((await of("warn")).meta.displayed_count)} filtered (${words(all.total_count)} total)`);
  assert.equal(await page.locator(".step[aria-pressed=true] .step-name").textContent(), name);
  await shoot(page, "filtered-dark");
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("the log can be read by keyboard, and a row unfolds", { skip }, async () => {
  const { page, wrong } = await openJob();
  await page.locator(".main .log-scroller").focus();
  for (const key of ["ArrowUp", "ArrowUp", "Enter"]) await page.keyboard.press(key);
  await page.locator(".main .log-details").waitFor(PATIENCE);
  // Asked in one go: while entries arrive, an entry may move to another of the recycled rows between two questions.
  await page.waitForFunction(() => {
    const active = document.querySelector(".main .log-scroller").getAttribute("aria-activedescendant");
    return Boolean(active && document.getElementById(active)?.querySelector(".log-details"));
  }, undefined, PATIENCE);
  await shoot(page, "unfolded-light");
  await page.keyboard.press("Enter");
  await page.locator(".main .log-details").waitFor({ state: "detached", ...PATIENCE });
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("a telephone shows it without scrolling sideways", { skip }, async () => {
  const { page, wrong } = await openJob({ viewport: { width: 400, height: 800 } });
  await shoot(page, "job-narrow");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.goto(`${QUAERO_URL}/#/`);
  await page.locator(".jobs-row").first().waitFor(PATIENCE);
  await shoot(page, "jobs-narrow");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("the service log is shown", { skip }, async () => {
  const { page, wrong } = await openPage({ fragment: "#/service", colorScheme: "dark" });
  await page.locator(".main .pill-live").waitFor(PATIENCE);
  await page.locator(".service-facts li").first().waitFor(PATIENCE);
  await shoot(page, "service-dark");
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("a job is started from the form and followed to its end", { skip: skip || !QUAERO_DEFINITION }, async () => {
  const { page, wrong } = await openPage();
  const { definitions } = await api("job-definitions");
  const { name } = definitions.find(({ id }) => id === QUAERO_DEFINITION);
  await page.click(".topbar .is-primary");
  await page.locator(".start-choice", { hasText: name }).first().click();
  await shoot(page, "start-light");
  await page.locator(".start-foot .is-primary").click();
  await page.locator(".main .pill-ended").waitFor(PATIENCE);
  await page.locator(".job-title .status-completed").waitFor(PATIENCE);
  assert.deepEqual(wrong, []);
  await page.context().close();
});
