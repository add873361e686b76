/**
 * Measures the viewer in a real Chromium: `node tests/bench.mjs PART` prints what it found as a line of JSON.
 *
 * `lists`: the list of entries alone, fed in the page, beside an empty page and a naive list. `pages`: a job of many
 * entries opened, jumped in and scrolled, and what the page weighs. `live`: a job that runs, from its lines to the
 * screen; it prints `ready` when the page follows the job. The variables are told by bench/browser.py.
 */

import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"];

const { measure } = await import(`./bench/${process.argv[2]}.mjs`);
const browser = await chromium.launch({ executablePath: process.env.QUAERO_CHROMIUM, args: FLAGS });
try {
  process.stdout.write(`${JSON.stringify(await measure(browser, process.env))}\n`);
} finally {
  await browser.close();
}
