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

import { chromium } from "playwright-core";

export const { QUAERO_URL: URL_, QUAERO_TOKEN: TOKEN, QUAERO_SHOTS: SHOTS } = process.env;
export const CHROMIUM = process.env.QUAERO_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

/** Far above what anything takes on a busy machine. */
export const PATIENCE = { timeout: 60_000 };

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
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && wrong.push(`console: ${line.text()}`));
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
