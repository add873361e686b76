/** A job of many entries: opened, jumped in, scrolled; the list of jobs opened; and what all of the page weighs. */

import { gzipSync } from "node:zlib";

import { freshPage, median, meter } from "./support.mjs";

const REST_MS = 500; // what the page before has left to do is done
const SCROLL_PIXELS = 240; // in a frame: a quick turn of a wheel

/** Runs in each page from its beginning: note when a row with the number of the last line was painted. */
function watchForEnd(line) {
  const look = async () => {
    const last = [...document.querySelectorAll(".main .log-number")].at(-1);
    if (Number(last?.textContent) === line) globalThis.shownAt = await globalThis.painted();
    else requestAnimationFrame(look);
  };
  look();
}

/** Runs in the page: go to a line as a link does, and return how long it took until it was painted. */
async function jump(line) {
  const began = performance.now();
  location.hash = `${location.hash.split("#L")[0]}#L${line}`;
  for (;;) {
    const now = await globalThis.painted();
    const pointed = document.querySelector(".log-row.is-pointed .log-number");
    if (Number(pointed?.textContent) === line) return now - began;
  }
}

/** Runs in the page: scroll up without a rest, and count the frames, those without a row in the middle among them. */
async function scroll([pixels, milliseconds]) {
  const scroller = document.querySelector(".main .log-scroller");
  globalThis.longTasks.length = 0;
  const began = performance.now();
  let [frames, blank] = [0, 0];
  while (performance.now() - began < milliseconds) {
    if (scroller) scroller.scrollTop -= pixels;
    await new Promise(requestAnimationFrame);
    frames += 1;
    const box = scroller?.getBoundingClientRect();
    const middle = box && document.elementFromPoint(box.left + 200, box.top + box.height / 2);
    if (box && !middle?.closest(".log-row")) blank += 1;
  }
  const frameRate = (1000 * frames) / (performance.now() - began);
  return { frames: frameRate, blank, longest: Math.max(0, ...globalThis.longTasks), over50: globalThis.longTasks.length };
}

/** What everything that the page loads would weigh in gzip, in bytes, by name. */
async function weigh(browser, environment) {
  const { QUAERO_URL, QUAERO_JOB } = environment;
  const page = await freshPage(browser, environment);
  const names = new Set();
  page.context().on("request", (request) => names.add(new URL(request.url()).pathname));
  for (const view of ["", "definitions", "documents", "service", `job/${QUAERO_JOB}`]) {
    await page.goto(`${QUAERO_URL}/#/${view}`);
    await page.locator("main").first().waitFor();
  }
  await page.waitForTimeout(1000); // a worker, and what comes late
  const weights = {};
  for (const name of [...names].filter((each) => each === "/" || each.startsWith("/static/"))) {
    const response = await fetch(QUAERO_URL + name);
    weights[name] = gzipSync(new Uint8Array(await response.arrayBuffer()), { level: 9 }).length;
  }
  await page.context().close();
  return weights;
}

/**
 * Navigations of a tab that is open, in milliseconds since they began: nothing of the viewer is in the browser's cache,
 * but the tab's process is there (to start one takes a fifth of a second of a core, and is not the viewer's).
 */
async function openings(browser, environment, repeats) {
  const { QUAERO_URL, QUAERO_JOB, QUAERO_LINES } = environment;
  const page = await freshPage(browser, environment);
  await page.addInitScript(watchForEnd, Number(QUAERO_LINES));
  const client = await page.context().newCDPSession(page);
  const worked = await meter(page);
  const found = { end: [], endBusy: [], interactive: [], floor: [] };
  const leave = async () => {
    await page.goto(`${QUAERO_URL}/static/favicon.svg`);
    found.floor.push(await page.evaluate(() => globalThis.painted()));
    await client.send("Network.clearBrowserCache");
    await page.waitForTimeout(REST_MS);
  };
  for (let round = 0; round < repeats; round += 1) {
    await leave();
    const before = await worked();
    await page.goto(`${QUAERO_URL}/#/job/${QUAERO_JOB}?level=debug`);
    await page.waitForFunction(() => globalThis.shownAt);
    found.end.push(await page.evaluate(() => globalThis.shownAt));
    found.endBusy.push(1000 * ((await worked()) - before));
    await leave();
    await page.goto(`${QUAERO_URL}/`);
    // Modules have run then, so that keys and buttons work.
    const loaded = () => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
    found.interactive.push(await page.evaluate(loaded));
  }
  await page.context().close();
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

async function readings(browser, environment, repeats) {
  const { QUAERO_URL, QUAERO_JOB, QUAERO_LINES, QUAERO_SCROLL } = environment;
  const scrolling = [SCROLL_PIXELS, 1000 * Number(QUAERO_SCROLL)];
  const page = await freshPage(browser, environment);
  await page.goto(`${QUAERO_URL}/#/job/${QUAERO_JOB}?level=debug`);
  await page.locator(".main .log-row").first().waitFor();
  const jumps = [];
  for (let round = 0; round < repeats; round += 1) {
    const line = 1 + Math.floor((((round * 0.618) % 1) * Number(QUAERO_LINES)));
    jumps.push(await page.evaluate(jump, line));
  }
  const scrolled = await page.evaluate(scroll, scrolling);
  await page.context().close();
  const empty = await freshPage(browser, environment);
  const idle = await empty.evaluate(scroll, scrolling);
  await empty.context().close();
  return { jump: median(jumps), slowestJump: Math.max(...jumps), scrolled, idle };
}

export async function measure(browser, environment) {
  const repeats = Number(environment.QUAERO_REPEATS);
  return {
    weights: await weigh(browser, environment),
    ...(await openings(browser, environment, repeats)),
    ...(await readings(browser, environment, repeats * 3)),
  };
}
