/** A job of many entries: opened, jumped in, scrolled; the list of jobs opened; and what all of the page weighs. */

import { gzipSync } from "node:zlib";

import { freshPage, median, meter } from "./support.mjs";

const SCROLL_MS = 4000;
const SCROLL_PIXELS = 240; // in a frame: a quick turn of a wheel

/** Navigate, and return when the row with this number was painted, in milliseconds since the navigation began. */
async function open(page, address, line) {
  await page.addInitScript((number) => {
    const look = async () => {
      const last = [...document.querySelectorAll(".main .log-number")].at(-1);
      if (Number(last?.textContent) === number) globalThis.shownAt = await globalThis.painted();
      else requestAnimationFrame(look);
    };
    look();
  }, line);
  await page.goto(address);
  await page.waitForFunction(() => globalThis.shownAt);
  return page.evaluate(() => globalThis.shownAt);
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

async function openings(browser, environment, repeats) {
  const { QUAERO_URL, QUAERO_JOB, QUAERO_LINES } = environment;
  const found = { end: [], endBusy: [], interactive: [], floor: [] };
  for (let round = 0; round < repeats; round += 1) {
    const floor = await freshPage(browser, environment);
    await floor.goto(`${QUAERO_URL}/static/favicon.svg`);
    found.floor.push(await floor.evaluate(() => globalThis.painted()));
    await floor.context().close();
    const job = await freshPage(browser, environment);
    const worked = await meter(job);
    found.end.push(await open(job, `${QUAERO_URL}/#/job/${QUAERO_JOB}?level=debug`, Number(QUAERO_LINES)));
    found.endBusy.push(1000 * (await worked()));
    await job.context().close();
    const list = await freshPage(browser, environment);
    await list.goto(`${QUAERO_URL}/`);
    // Modules have run then, so that keys and buttons work.
    const loaded = () => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
    found.interactive.push(await list.evaluate(loaded));
    await list.context().close();
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

async function readings(browser, environment, repeats) {
  const { QUAERO_URL, QUAERO_JOB, QUAERO_LINES } = environment;
  const page = await freshPage(browser, environment);
  await page.goto(`${QUAERO_URL}/#/job/${QUAERO_JOB}?level=debug`);
  await page.locator(".main .log-row").first().waitFor();
  const jumps = [];
  for (let round = 0; round < repeats; round += 1) {
    const line = 1 + Math.floor((((round * 0.618) % 1) * Number(QUAERO_LINES)));
    jumps.push(await page.evaluate(jump, line));
  }
  const scrolled = await page.evaluate(scroll, [SCROLL_PIXELS, SCROLL_MS]);
  await page.context().close();
  const empty = await freshPage(browser, environment);
  const idle = await empty.evaluate(scroll, [SCROLL_PIXELS, SCROLL_MS]);
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
