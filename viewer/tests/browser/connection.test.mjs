/**
 * A job that runs, and everything that can happen to the line: the network goes and comes, the tab is hidden and
 * shown, a second reader looks on. QUAERO_JOB runs for as long as the test lets it; no page is ever reloaded.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, becomes, drawn, goesOn, needed, newest, openContext, openJob, openTab, says, URL_, words } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const main = (page, selector, options) => page.locator(".main").locator(selector, options);
const STREAM = "/api/logs/stream";

/** Streams that a page opens by itself; the worker's are not among them. */
function ownStreams(page) {
  const open = new Set();
  const own = (request) => new URL(request.url()).pathname.startsWith(STREAM);
  page.on("request", (request) => own(request) && open.add(request));
  for (const name of ["requestfailed", "requestfinished"]) page.on(name, (request) => open.delete(request));
  return open;
}

/** The workers that all tabs of a browser share. */
async function sharedWorkers(context) {
  const session = await context.browser().newBrowserCDPSession();
  const { targetInfos } = await session.send("Target.getTargets");
  await session.detach();
  return targetInfos.filter(({ type, url }) => type === "shared_worker" && url.startsWith(URL_)).length;
}

test("eight tabs: every one is live, over one connection, and has room for its requests", async () => {
  const context = await openContext();
  const tabs = await Promise.all(Array.from({ length: 8 }, () => openTab(context)));
  const own = tabs.map(({ page }) => ownStreams(page));
  await Promise.all(tabs.map(async ({ page }, number) => {
    await page.evaluate((hash) => (location.hash = hash), `#/job/${JOB}?level=${number % 2 ? "debug" : "info"}`);
    await says(page, ".main .pill", "Live");
    await page.locator(".panel .pill-live").first().waitFor({ state: "attached" });
    await goesOn(page, await newest(page));
  }));
  await becomes(() => sharedWorkers(context), 1);
  assert.deepEqual(own.map(({ size }) => size), tabs.map(() => 0));
  const answers = await Promise.all(tabs.map(({ page }) => page.evaluate(async () => (await fetch("api/health")).status)));
  assert.deepEqual(answers, tabs.map(() => 200));
  await tabs[0].page.close();
  await goesOn(tabs[1].page, await newest(tabs[1].page));
  for (const { wrong } of tabs) assert.deepEqual(wrong, []);
  await context.close();
});

test("where there are no shared workers a page has one connection of its own", async () => {
  const context = await openContext();
  await context.addInitScript(() => delete globalThis.SharedWorker);
  const { page, wrong } = await openTab(context);
  const own = ownStreams(page);
  await page.goto(`${URL_}/#/job/${JOB}`);
  await says(page, ".main .pill", "Live");
  await page.locator(".panel .pill-live").first().waitFor({ state: "attached" });
  await becomes(() => own.size, 1); // one that was given up is told of a moment later
  await goesOn(page, await newest(page));
  assert.deepEqual(wrong, []);
  await context.close();
});

/** A page of somebody else, behind the same proxy: the library by two script tags, and an Alpine of its own. */
const FOREIGN = `<!doctype html><title>Foreign</title>
<link rel="stylesheet" href="/static/css/theme.css"><link rel="stylesheet" href="/static/css/log-view.css">
<script type="module" src="/static/js/log-stream.js"></script>
<script type="module" src="/static/js/log-components.js"></script>
<script type="module">
  import Alpine from "/static/vendor/alpine.js";
  globalThis.Alpine = Alpine;
  Alpine.start();
</script>
<div class="main" x-data="sseJobLogViewer('${JOB}')">
  <strong x-text="job.status.word"></strong> <span class="pill" x-text="pill.word"></span>
  <div x-ref="log" style="height: 300px"></div>
</div>`;

test("a foreign page has the log by two script tags, without the viewer's worker", async () => {
  const context = await openContext();
  const { page, wrong } = await openTab(context);
  await page.route("**/foreign", (route) => route.fulfill({ contentType: "text/html", body: FOREIGN }));
  await page.goto("about:blank");
  await page.goto(`${URL_}/foreign`);
  await says(page, ".pill", "Live");
  await says(page, "strong", "Running");
  await goesOn(page, await newest(page));
  const told = await page.evaluate((job) => new Promise((resolve) => {
    const handle = globalThis.QueueSSEManager.connectJob(job, { onLogs: (logs) => {
      handle.disconnect();
      resolve([logs.length > 0, globalThis.QuaeroLogs.levelClass("warn")]);
    } });
  }), JOB);
  assert.deepEqual(told, [true, "log-level-warn"]);
  // A server that does not want this reader says so, and is not asked again.
  await page.evaluate(() => {
    sessionStorage.setItem("quaero.token", "wrong");
    globalThis.Alpine.$data(document.querySelector(".main")).reconnect();
  });
  await says(page, ".pill", "Refused");
  assert.deepEqual(wrong.filter((line) => !/favicon|401/.test(line)), []);
  await context.close();
});

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
  await drawn(other.page); // what had come before
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
    assert.deepEqual(wrong.filter((line) => !/Failed to load resource: net::ERR_/.test(line)), []); // the network broke
    await close();
  }
});

/** The job's numbers when it has ended. */
async function ended() {
  await becomes(async () => (await api(`jobs/${JOB}`)).job.status, "cancelled");
  return api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`);
}
