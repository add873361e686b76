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

import { allStored, api, becomes, CHROMIUM, goesOn, needed, newest, openJob, PATIENCE, readUp, says, TOKEN, URL_ } from "../support/page.mjs";

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

/** How many entries are stored. */
async function stored() {
  const { meta } = await api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`);
  return meta.total_count;
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
  const isNow = (state) => becomes(() => hidden.evaluate(() => document.visibilityState), state);
  hidden.setDefaultTimeout(PATIENCE.timeout);
  await hidden.bringToFront();
  await hidden.setViewportSize({ width: 1280, height: 800 });
  await hidden.goto(`${URL_}/#t=${TOKEN}`);
  await hidden.waitForFunction(() => !location.hash.includes("t="));
  await hidden.goto(`${URL_}/#/job/${JOB}${DEBUG.fragment}`);
  for (const page of [opened.page, hidden]) await says(page, ".main .pill", "Live");
  await goesOn(hidden, await newest(hidden));
  await other.bringToFront();
  await isNow("hidden");

  await stop();
  await says(opened.page, ".main .pill", "Reconnecting");
  await start();
  const before_ = await stored();
  await says(opened.page, ".main .pill", "Live");
  await goesOn(opened.page, before_ + 50);

  // What came while nobody looked is there as soon as somebody does.
  await hidden.bringToFront();
  await isNow("visible");
  await goesOn(hidden, before_ + 50);
  await opened.page.click("text=Cancel job");
  const pages = [opened.page, hidden];
  for (const page of pages) await says(page, ".main .pill", "Log complete");
  const wanted = (await allStored(JOB)).map(({ job_line: line, message }) => [line, message]);
  for (const page of pages) {
    await goesOn(page, wanted.length - 1);
    const lines = await readUp(page, 1);
    const seen = new Set(lines.map(([number]) => number));
    assert.deepEqual(wanted.map(([number]) => number).filter((number) => !seen.has(number)), []);
    assert.deepEqual(lines, wanted);
  }
  assert.deepEqual(opened.wrong.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")), []);
  await opened.close();
});
