/**
 * A run is followed in the browser, and looked at when it is over: its numbers are the API's, every line is there.
 *
 * QUAERO_JOB is a job that runs until the file QUAERO_ENOUGH is there, with at most 10,000 entries (the test reads
 * every line, and the page holds so many). QUAERO_DEFINITION is a definition that can be started without parameters.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";

import {
  allStored, api, becomes, counts, goesOn, needed, newest, openJob, openPage, readUp, says, settled, shoot, TOKEN,
  URL_, words,
} from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const DEFINITION = needed("QUAERO_DEFINITION");
const chip = (page, name) => page.locator(`.main button.chip.log-level-${name}`);
const totals = (page, text) => page.locator(".main .log-totals", { hasText: text }).waitFor();

/** The page of the job, which has ended. */
async function openEnded(options) {
  const opened = await openJob(JOB, options);
  await opened.page.locator(".main .pill-ended").waitFor();
  return opened;
}

/** Nothing went wrong in the page; close it. */
async function done({ wrong, close }) {
  assert.deepEqual(wrong, []);
  await close();
}

test("the token leaves the address at once and opens the list", async () => {
  const opened = await openPage();
  const { page } = opened;
  const { jobs } = await api("jobs?limit=100");
  await counts(page.locator(".jobs-row"), jobs.length);
  assert.equal(await page.locator(".job-link").first().textContent(), jobs[0].name);
  assert.ok(!page.url().includes(TOKEN));
  assert.equal(await page.evaluate(() => sessionStorage.getItem("quaero.token")), TOKEN);
  await shoot(page, "jobs-light");
  await done(opened);
});

test("without a token the page asks for it, and goes on where it was", async () => {
  const { page, close } = await openPage({ token: null, fragment: `#/job/${JOB}` });
  await page.locator("#token").waitFor();
  await shoot(page, "token");
  await page.fill("#token", `${URL_}/#t=${TOKEN}`);
  await page.click(".token-form .button");
  await page.locator(".main .log-row").first().waitFor();
  assert.ok(page.url().endsWith(`#/job/${JOB}`));
  await close();
});

test("a job that runs is opened from the list and followed to its end; its numbers are the API's", async () => {
  const opened = await openPage({ colorScheme: "dark" });
  const { page } = opened;
  await page.locator(`a[href="#/job/${JOB}"]`).click();
  await says(page, ".main .pill", "Live");
  await goesOn(page, await newest(page));
  writeFileSync(needed("QUAERO_ENOUGH"), "");
  await page.locator(".main .pill-ended").waitFor();
  const { meta } = await api(`logs?scope=job&job_id=${JOB}&level=info&limit=1`);
  await totals(page, `of ${words(meta.displayed_count)} filtered (${words(meta.total_count)} total)`);
  for (const [level, count] of Object.entries(meta.counts)) {
    await becomes(() => chip(page, level).locator(".chip-count").textContent(), words(count));
  }
  const { job } = await api(`jobs/${JOB}`);
  assert.equal(await page.locator(".job-title h1").textContent(), job.name);
  assert.ok((await page.title()).includes(job.name));
  await shoot(page, "job-dark");
  await done(opened);
});

test("every line is there once, in order, however one scrolls", async () => {
  const opened = await openEnded();
  const { page } = opened;
  await chip(page, "debug").click();
  const { meta } = await api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`);
  await totals(page, `of ${words(meta.total_count)} filtered (${words(meta.total_count)} total)`);
  const lines = await readUp(page, 1);
  assert.deepEqual(lines, (await allStored(JOB)).map(({ message }, at) => [at + 1, message]));
  assert.equal(lines.length, meta.total_count);
  await done(opened);
});

test("a step and a level filter the log, and the numbers follow", async () => {
  const opened = await openEnded({ colorScheme: "dark" });
  const { page } = opened;
  const { steps } = await api(`jobs/${JOB}`);
  const { name } = steps[0];
  await page.locator(".step:not(.step-all)").first().click();
  const of = (level) => api(`logs?scope=job&job_id=${JOB}&step=${encodeURIComponent(name)}&level=${level}&limit=1`);
  const all = (await of("info")).meta;
  await totals(page, `of ${words(all.displayed_count)} filtered (${words(all.total_count)} total)`);
  await chip(page, "warn").click();
  await totals(page, `of ${words((await of("warn")).meta.displayed_count)} filtered (${words(all.total_count)} total)`);
  assert.equal(await page.locator(".step[aria-pressed=true] .step-name").textContent(), name);
  await shoot(page, "filtered-dark");
  await done(opened);
});

test("the log can be read by keyboard, and a row unfolds", async () => {
  const opened = await openEnded();
  const { page } = opened;
  await page.locator(".main .log-scroller").focus();
  for (const key of ["ArrowUp", "ArrowUp", "Enter"]) await page.keyboard.press(key);
  await page.locator(".main .log-details").waitFor();
  // Asked in one go: an entry may move to another of the recycled rows between two questions.
  await page.waitForFunction(() => {
    const active = document.querySelector(".main .log-scroller").getAttribute("aria-activedescendant");
    return Boolean(active && document.getElementById(active)?.querySelector(".log-details"));
  });
  await shoot(page, "unfolded-light");
  await page.keyboard.press("Enter");
  await page.locator(".main .log-details").waitFor({ state: "detached" });
  await done(opened);
});

test("a telephone shows it without scrolling sideways", async () => {
  const opened = await openEnded({ viewport: { width: 400, height: 800 } });
  const { page } = opened;
  const fits = async (name) => {
    await settled(page);
    await shoot(page, name);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  };
  await fits("job-narrow");
  await page.goto(`${URL_}/#/`);
  await page.locator(".jobs-row").first().waitFor();
  await fits("jobs-narrow");
  await done(opened);
});

test("the service log is shown", async () => {
  const opened = await openPage({ fragment: "#/service", colorScheme: "dark" });
  const { page } = opened;
  await page.locator(".main .pill-live").waitFor();
  await page.locator(".service-facts li").first().waitFor();
  await shoot(page, "service-dark");
  await done(opened);
});

test("a job is started from the form and followed to its end", async () => {
  const opened = await openPage();
  const { page } = opened;
  const { definitions } = await api("job-definitions");
  const { name } = definitions.find(({ id }) => id === DEFINITION);
  await page.click(".topbar .is-primary");
  await page.locator(".start-choice", { hasText: name }).first().click();
  await shoot(page, "start-light");
  await page.locator(".start-foot .is-primary").click();
  await page.locator(".main .pill-ended").waitFor();
  await page.locator(".job-title .status-completed").waitFor();
  await done(opened);
});
