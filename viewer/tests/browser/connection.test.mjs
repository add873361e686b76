/**
 * A job that runs, and everything that can happen to the line: the network goes and comes, the tab is hidden and
 * shown, a second reader looks on. QUAERO_JOB runs for as long as the test lets it; no page is ever reloaded.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, needed, openJob, says, words } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const main = (page, selector, options) => page.locator(".main").locator(selector, options);
const newest = (page) => main(page, ".log-number").last().textContent().then(Number);

/** Wait until the list shows lines that were logged after this one. */
function goesOn(page, line) {
  const later = (wanted) => Number([...document.querySelectorAll(".main .log-number")].at(-1)?.textContent) > wanted;
  return page.waitForFunction(later, line);
}

test("two readers, a network that breaks, a tab that is hidden: both end with every line", async () => {
  const [one, other] = [await openJob(JOB, { fragment: "?level=debug" }), await openJob(JOB, { fragment: "?level=debug" })];
  for (const { page } of [one, other]) await says(page, ".main .pill", "Live");
  await goesOn(one.page, await newest(one.page));

  await one.page.context().setOffline(true);
  await one.page.evaluate(() => dispatchEvent(new Event("pagehide"))); // a connection that is open stays so when offline
  await says(one.page, ".main .pill", "Reconnecting");
  const before = await newest(one.page);
  await goesOn(other.page, before + 20);
  await one.page.context().setOffline(false);
  await one.page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await says(one.page, ".main .pill", "Live");
  await goesOn(one.page, before + 20);

  // Paused, the list stays as it is, and what gathers is told.
  await other.page.keyboard.press("p");
  await says(other.page, ".main .pill", "Paused");
  const held = await newest(other.page);
  await other.page.locator(".jump-new", { hasText: "new" }).waitFor();
  assert.equal(await newest(other.page), held);
  await other.page.keyboard.press("p");
  await goesOn(other.page, held);

  await main(one.page, "text=Cancel job").click();
  const { meta } = await ended();
  for (const { page, wrong, close } of [one, other]) {
    await says(page, ".main .pill", "Log complete");
    await says(page, ".main .log-totals", `of ${words(meta.total_count)} filtered (${words(meta.total_count)} total)`);
    await goesOn(page, meta.total_count - 1);
    assert.equal(await newest(page), meta.total_count);
    await page.locator(".job-title .status-cancelled").waitFor();
    assert.deepEqual(wrong.filter((line) => !line.includes("ERR_INTERNET_DISCONNECTED")), []);
    await close();
  }
});

/** The job's numbers when it has ended. */
async function ended() {
  for (;;) {
    const { job } = await api(`jobs/${JOB}`);
    if (job.status === "cancelled") return api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
