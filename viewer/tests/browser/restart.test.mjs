/**
 * A job is followed while its server is stopped and started anew, and in a tab that is hidden; then every line is in
 * the list, as it is in the store.
 *
 * QUAERO_JOB is a job that runs by itself; QUAERO_SERVE the command, as a JSON array, that serves it at QUAERO_URL;
 * QUAERO_PROFILE a folder for a browser, which its helpers may still be writing to at the end.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { api, CHROMIUM, needed, openJob, PATIENCE, says, TOKEN, URL_ } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const PROFILE = needed("QUAERO_PROFILE");
const [COMMAND, ...WORDS] = JSON.parse(needed("QUAERO_SERVE"));
const DEBUG = { fragment: "?level=debug" };

let server;
async function start() {
  server = spawn(COMMAND, WORDS, { stdio: ["ignore", "pipe", "ignore"] });
  await once(server.stdout, "data"); // its address: it listens
}
async function stop() {
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  await ended;
}
before(start);
after(stop);

const newest = (page) => page.locator(".main .log-number").last().textContent().then(Number);

/** How many entries are stored. */
async function stored() {
  const { meta } = await api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`);
  return meta.total_count;
}

/** Wait until the list shows lines that were logged after this one. */
function goesOn(page, line) {
  const later = (wanted) => Number([...document.querySelectorAll(".main .log-number")].at(-1)?.textContent) > wanted;
  return page.waitForFunction(later, line, PATIENCE);
}

/** All lines of the page's list, by scrolling from its end to its beginning. */
function allLines(page) {
  return page.evaluate(async () => {
    const seen = new Map();
    const list = document.querySelector(".main .log-scroller");
    const isCovered = () => {
      const { top, bottom } = list.getBoundingClientRect();
      const rows = [...document.querySelectorAll(".main .log-row")].map((row) => row.getBoundingClientRect());
      const covered = rows.filter((row) => row.bottom > top && row.top < bottom).reduce((sum, { height }) => sum + height, 0);
      return covered >= list.clientHeight / 2;
    };
    while (!seen.has(1)) {
      for (const row of document.querySelectorAll(".main .log-row")) {
        const [number, message] = [".log-number", ".log-message"].map((each) => row.querySelector(each)?.textContent);
        if (number) seen.set(Number(number), message);
      }
      list.scrollTop -= list.clientHeight - 50;
      // Scrolled, told, drawn; and older lines come when they have come.
      for (let frame = 0; frame < 3 || !isCovered(); frame += 1) await new Promise(requestAnimationFrame);
    }
    return [...seen].sort(([one], [other]) => one - other);
  });
}

/** The same of the store. */
async function allStored() {
  const lines = [];
  for (let since = 0; ; ) {
    const { logs } = await api(`logs?scope=job&job_id=${JOB}&level=debug&limit=5000&since=${since}`);
    if (logs.length === 0) return lines;
    lines.push(...logs.map(({ job_line: line, message }) => [line, message]));
    since = logs.at(-1).id;
  }
}

/** Two tabs of one window, in a browser that nobody tells to treat every tab as if it were looked at. */
async function openTabs() {
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"];
  const process_ = spawn(CHROMIUM, [...flags, `--user-data-dir=${PROFILE}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  while (!/ws:\/\/\S+/.test(said)) said += (await once(process_.stderr, "data"))[0];
  const browser = await chromium.connectOverCDP(said.match(/ws:\/\/\S+/)[0], { noDefaults: true });
  const [context] = browser.contexts();
  after(async () => {
    const ended = once(process_, "exit");
    await browser.close();
    process_.kill();
    await ended;
  });
  return [await context.newPage(), await context.newPage()];
}

test("a server that goes and comes, a tab that is hidden: the page's lines are the store's", async () => {
  const opened = await openJob(JOB, DEBUG);
  const [hidden, other] = await openTabs();
  await hidden.bringToFront();
  await hidden.setViewportSize({ width: 1280, height: 800 });
  await hidden.goto(`${URL_}/#t=${TOKEN}`);
  await hidden.waitForFunction(() => !location.hash.includes("t="));
  await hidden.goto(`${URL_}/#/job/${JOB}${DEBUG.fragment}`);
  for (const page of [opened.page, hidden]) await says(page, ".main .pill", "Live");
  await goesOn(hidden, await newest(hidden));
  await other.bringToFront();
  assert.equal(await hidden.evaluate(() => document.visibilityState), "hidden");

  await stop();
  await says(opened.page, ".main .pill", "Reconnecting");
  await start();
  const before_ = await stored();
  await says(opened.page, ".main .pill", "Live");
  await goesOn(opened.page, before_ + 50);

  // What came while nobody looked is there as soon as somebody does.
  await hidden.bringToFront();
  assert.equal(await hidden.evaluate(() => document.visibilityState), "visible");
  await goesOn(hidden, before_ + 50);
  await opened.page.click("text=Cancel job");
  const pages = [opened.page, hidden];
  for (const page of pages) await says(page, ".main .pill", "Log complete");
  const wanted = await allStored();
  for (const page of pages) {
    await goesOn(page, wanted.length - 1);
    const lines = await allLines(page);
    const seen = new Set(lines.map(([number]) => number));
    assert.deepEqual(wanted.map(([number]) => number).filter((number) => !seen.has(number)), []);
    assert.deepEqual(lines, wanted);
  }
  assert.deepEqual(opened.wrong.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")), []);
  await opened.close();
});
