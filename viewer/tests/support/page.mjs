/**
 * A real Chromium on a real server, for the tests in tests/browser/.
 *
 * QUAERO_URL and QUAERO_TOKEN say which server; what else a test needs is told by its file. QUAERO_SHOTS, if set, is a
 * folder for screenshots. QUAERO_CHROMIUM is the browser (default: the system's).
 */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as rest } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import { chromium } from "playwright-core";

export const { QUAERO_URL: URL_, QUAERO_TOKEN: TOKEN, QUAERO_SHOTS: SHOTS } = process.env;
export const CHROMIUM = process.env.QUAERO_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

/** Far above what anything takes on a busy machine. */
export const PATIENCE = { timeout: 120_000 };
const LOOK_AGAIN_MS = 50;

let browser;
after(() => browser?.close());

/** The value of a variable without which a file of tests cannot run. */
export function needed(name) {
  assert.ok(process.env[name], `set ${name}`);
  return process.env[name];
}

/** A page of its own that writes down everything that should not be. */
export async function openPage({ fragment = "#/", token = TOKEN, url = URL_, ...options } = {}) {
  const context = await openContext(options);
  const opened = await openTab(context, { token, url });
  await opened.page.goto(`${url}/${fragment}`);
  return { ...opened, close: () => context.close() };
}

/** A browser for itself, in which tabs can be opened: what one keeps, the others have. */
export async function openContext(options = {}) {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
}

/** A tab that has the token, and writes down everything that should not be. */
export async function openTab(context, { token = TOKEN, url = URL_ } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE.timeout);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (line) => {
    if (["error", "warning"].includes(line.type())) wrong.push(`console: ${line.text()} (${line.location().url})`);
  });
  page.on("dialog", (dialog) => wrong.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => request.url().startsWith("http") && !request.url().startsWith(url) && wrong.push(`request: ${request.url()}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => {
      // eslint-disable-next-line no-console -- the way out of the page
      console.error(`CSP: ${violatedDirective} ${blockedURI} ${sourceFile}`);
    });
  });
  if (token) {
    await page.goto(`${url}/#t=${token}`);
    await page.waitForFunction(() => !location.hash.includes("t="));
  }
  return { page, wrong };
}

/** The page of a job, when its log is there. */
export async function openJob(job, { fragment = "", ...options } = {}) {
  const opened = await openPage({ fragment: `#/job/${job}${fragment}`, ...options });
  await opened.page.locator(".main .log-row").first().waitFor();
  return opened;
}

/** What the API says. */
export async function api(path) {
  const response = await fetch(`${URL_}/api/${path}`, { headers: { Authorization: `Bearer ${TOKEN}` } });
  assert.equal(response.status, 200, path);
  return response.json();
}

export async function shoot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** A number as the page writes it. */
export const words = (number) => number.toLocaleString("en-US");

/** Wait until the page says so. */
export const says = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

/** Wait until this is what is found; fails with what is found instead. */
export async function becomes(find, wanted) {
  const end = Date.now() + PATIENCE.timeout;
  for (;;) {
    const found = await find();
    if (isDeepStrictEqual(found, wanted)) return;
    if (Date.now() > end) assert.deepEqual(found, wanted);
    await rest(LOOK_AGAIN_MS);
  }
}

/** Wait until there are so many of them. */
export const counts = (locator, wanted) => becomes(() => locator.count(), wanted);

/** Wait until what has happened is drawn: the list is told of a scroll with the next frame, and may take another. */
export const drawn = (page) => page.evaluate(async () => {
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
});

/** Wait until nothing moves: what has happened is drawn, and every animation that has an end is over. */
export async function settled(page) {
  do await drawn(page);
  while (await page.evaluate(async () => {
    const moving = document.getAnimations().filter(({ effect }) => Number.isFinite(effect.getComputedTiming().endTime));
    await Promise.allSettled(moving.map(({ finished }) => finished));
    return moving.length;
  }));
}

/** The number of the last line that the list shows. */
export const newest = (page) => page.locator(".main .log-number").last().textContent().then(Number);

/** Wait until the list shows lines that were logged after this one. */
export function goesOn(page, line) {
  const later = (wanted) => Number([...document.querySelectorAll(".main .log-number")].at(-1)?.textContent) > wanted;
  return page.waitForFunction(later, line);
}

/**
 * The lines of the list, [number, message] each, from where the reader is up to the one that has this number or
 * message, by scrolling. Fails when the list shows them in another order, or two with one number.
 */
export function readUp(page, last) {
  return page.evaluate(async (wanted) => {
    const seen = new Map();
    const list = document.querySelector(".main .log-scroller");
    const look = () => [...document.querySelectorAll(".main .log-row")].map((row) => {
      const [number, message] = [".log-number", ".log-message"].map((each) => row.querySelector(each).textContent);
      return [Number(number), message];
    });
    const isDrawn = () => {
      const { top, bottom } = list.getBoundingClientRect();
      const begins = Math.max(top, document.querySelector(".main .log-strip").getBoundingClientRect().bottom);
      const rows = [...document.querySelectorAll(".main .log-row")].map((row) => row.getBoundingClientRect());
      return rows.length > 0 && rows[0].top < begins + 1 && rows.at(-1).bottom > bottom - 1;
    };
    for (;;) {
      // Scrolled, told, drawn; and older lines come when they have come.
      for (let frame = 0; frame < 3 || !isDrawn(); frame += 1) await new Promise(requestAnimationFrame);
      const rows = look();
      rows.forEach(([number, message], at) => {
        if (at > 0 && number <= rows[at - 1][0]) throw new Error(`${number} stands behind ${rows[at - 1][0]}`);
        if ((seen.get(number) ?? message) !== message) throw new Error(`${number}: ${message} and ${seen.get(number)}`);
        seen.set(number, message);
      });
      if (rows.some((row) => row.includes(wanted))) return [...seen].sort(([one], [other]) => one - other);
      list.scrollTop -= list.clientHeight - 50;
    }
  }, last);
}

/** Every entry of a job that is stored. */
export async function allStored(job) {
  const found = [];
  for (let since = 0; ; since = found.at(-1).id) {
    const { logs } = await api(`logs?scope=job&job_id=${job}&level=debug&limit=5000&since=${since}`);
    if (logs.length === 0) return found;
    found.push(...logs);
  }
}
