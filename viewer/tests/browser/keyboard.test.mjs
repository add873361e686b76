/** A job is started, filtered, searched, pointed at and cancelled by keyboard alone. QUAERO_SLOW: a definition. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, needed, openPage, says } from "../support/page.mjs";

const SLOW = needed("QUAERO_SLOW");

test("start, filter, search, link, cancel: no mouse", async () => {
  const { page, wrong, close } = await openPage();
  await page.locator(".topbar-end").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(`start ${SLOW}`);
  await page.locator(`.palette-item[aria-selected=true]`, { hasText: "Start" }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".start-choice[aria-pressed=true]", { hasText: SLOW }).waitFor();
  while (!(await page.evaluate(() => document.activeElement.matches(".start-foot .is-primary")))) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".main .log-row").first().waitFor();
  const id = new URL(page.url()).hash.split(/[/?#]/)[3];
  await page.keyboard.press("1");
  await page.waitForFunction(() => location.hash.includes("level=debug"));
  await page.keyboard.press("/");
  await page.keyboard.type("tick 3");
  await says(page, ".main .log-message", "tick 3");
  await page.keyboard.press("Enter");
  await says(page, ".find-words", "1 of 1");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.classList.contains("log-scroller"));
  await page.keyboard.press("k");
  await page.keyboard.press("m");
  await page.keyboard.press("k");
  await page.keyboard.press("M");
  await page.waitForFunction(() => /#L\d+-\d+$/.test(location.hash));
  await page.keyboard.press("p");
  await says(page, ".main .pill", "Paused");
  await page.keyboard.press("p");
  await page.keyboard.press("X");
  await page.locator(".job-title .status-cancelled").waitFor();
  assert.equal((await api(`jobs/${id}`)).job.status, "cancelled");
  await page.waitForFunction(() => document.title.startsWith("■"));
  assert.deepEqual(wrong, []);
  await close();
});
