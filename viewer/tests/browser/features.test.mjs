/**
 * The log view and the pages, feature by feature. QUAERO_JOB is a job that has ended, with several steps, workers,
 * coloured lines, errors, outputs; QUAERO_BIG one of 30,000 lines or more, each `row N of …`, an error every 1,000.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { api, becomes, counts, drawn, needed, openJob, openPage, says, settled, shoot, TOKEN, words } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const BIG = needed("QUAERO_BIG");
const QUAERO = JSON.parse(needed("QUAERO_COMMAND"));
const main = (page, selector, options) => page.locator(".main").locator(selector, options);
const active = (page, text) => main(page, ".is-active .log-message", { hasText: text }).waitFor();

/** Wait until the list is not empty, and every row that it has says this where it says it. */
const every = (page, selector, text) => becomes(async () => {
  const found = await main(page, selector).allTextContents();
  return found.length > 0 && found.every((each) => text.test(each));
}, true);

/** Keep requests like this one back until `release` is called. */
async function hold(page, url) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route(url, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/** Wait until more than a thousand entries are in the list: older ones have come. */
const older = (page) => page.waitForFunction(() => /Showing [1-9],\d{3}/.test(document.querySelector(".main .log-totals").textContent));

/** Nothing went wrong in the page; close it. */
async function done({ wrong, close }) {
  assert.deepEqual(wrong, []);
  await close();
}

test("a link to lines works cold, in the middle of a long log, and the way back to the end has no hole", async () => {
  const opened = await openJob(BIG, { fragment: "?level=debug#L12000-12010" });
  const { page } = opened;
  await main(page, ".is-pointed").first().waitFor();
  await becomes(() => main(page, ".is-pointed .log-number").first().textContent(), "12000");
  const at = await api(`jobs/${BIG}/lines/12000`);
  const { logs } = await api(`logs?scope=job&job_id=${BIG}&level=debug&since=${at.id - 1}&limit=1`);
  await active(page, logs[0].message);
  await settled(page);
  await page.evaluate(() => (document.querySelector(".main .log-scroller").scrollTop -= 2000));
  await page.waitForFunction(() => Number(document.querySelector(".main .log-number")?.textContent) < 11_950);
  await main(page, ".jump").click();
  const last = String((await api(`jobs/${BIG}/map`)).lines);
  await page.waitForFunction((wanted) => [...document.querySelectorAll(".main .log-number")].at(-1)?.textContent === wanted, last);
  await done(opened);
});

test("older entries come on scrolling up, and the row that is looked at stays where it is", async () => {
  const opened = await openJob(BIG);
  const { page } = opened;
  const release = await hold(page, /[?&]before=/);
  const asked = page.waitForRequest(/[?&]before=/);
  const scroller = main(page, ".log-scroller");
  await scroller.evaluate((list) => (list.scrollTop = 1200));
  const place = () => scroller.evaluate((list) => {
    const top = list.getBoundingClientRect().top;
    const row = [...list.querySelectorAll(".log-row")].find((each) => each.getBoundingClientRect().top >= top);
    return [row.querySelector(".log-number").textContent, Math.round(row.getBoundingClientRect().top - top)];
  });
  await asked;
  await drawn(page);
  const before = await place();
  release();
  await older(page);
  await drawn(page);
  assert.deepEqual(await place(), before);
  await done(opened);
});

test("who scrolls in the very moment in which older entries come stays where they are", async () => {
  const opened = await openJob(BIG);
  const { page } = opened;
  const scroller = main(page, ".log-scroller");
  const release = await hold(page, /[?&]before=/);
  const topLine = () => scroller.evaluate((list) => {
    const { top } = list.getBoundingClientRect();
    const rows = [...list.querySelectorAll(".log-row")];
    return Number(rows.find((row) => row.getBoundingClientRect().bottom > top + 1).querySelector(".log-number").textContent);
  });
  const asked = page.waitForRequest(/[?&]before=/);
  await scroller.evaluate((list) => (list.scrollTop = 1200));
  await asked;
  await drawn(page);
  const before = await topLine();
  // Nothing is drawn until the entries are there and the reader has scrolled by two rows.
  await page.evaluate(() => {
    const frame = globalThis.requestAnimationFrame;
    const held = [];
    globalThis.requestAnimationFrame = (draw) => held.push(draw);
    globalThis.heldFrames = held;
    globalThis.drawAgain = () => {
      globalThis.requestAnimationFrame = frame;
      held.forEach((draw) => frame(draw));
    };
  });
  release();
  await page.waitForFunction(() => globalThis.heldFrames.length > 0, null, { polling: 20 });
  await scroller.evaluate((list) => new Promise((resolve) => {
    list.addEventListener("scroll", resolve, { once: true });
    list.scrollTop -= 42;
  }));
  await page.evaluate(() => globalThis.drawAgain());
  await older(page);
  await drawn(page);
  assert.equal(await topLine(), before - 2);
  await done(opened);
});

test("search finds in the whole log, counts, goes round, highlights, filters", async () => {
  const opened = await openJob(BIG);
  const { page } = opened;
  await page.keyboard.press("/");
  await page.keyboard.type("row 17500 ");
  await page.keyboard.press("Enter");
  await says(page, ".find-words", "1 of 1");
  await active(page, "row 17500 ");
  await page.waitForFunction(() => CSS.highlights.get("quaero-search")?.size > 0);
  await main(page, ".find input").fill("simulated");
  await main(page, ".find input").press("Enter");
  const { count } = await api(`jobs/${BIG}/hits?q=simulated&level=info`);
  await says(page, ".find-words", `of ${words(count)}`);
  const at = async () => Number((await main(page, ".find-words").textContent()).split(" ")[0]);
  const first = await at();
  await main(page, ".log-scroller").focus();
  await page.keyboard.press("n");
  await says(page, ".find-words", `${(first % count) + 1} of ${words(count)}`);
  await active(page, "simulated");
  await page.keyboard.press("N");
  await says(page, ".find-words", `${first} of ${words(count)}`);
  await main(page, "text=Only hits").click();
  await every(page, ".log-message", /simulated/);
  await page.waitForURL(/q=simulated&hits=1/);
  await page.reload();
  await main(page, ".log-row").first().waitFor();
  await every(page, ".log-message", /simulated/);
  await done(opened);
});

test("errors are gone to with a key, wherever they are; steps, workers and originators filter; the address holds it", async () => {
  const opened = await openJob(JOB);
  const { page } = opened;
  const { total_count: all } = (await api(`logs?scope=job&job_id=${JOB}&level=debug&limit=1`)).meta;
  await page.keyboard.press("1");
  await says(page, ".main .log-totals", `of ${words(all)} filtered (${words(all)} total)`);
  await page.keyboard.press("E");
  await main(page, ".log-row.is-active.log-level-error").waitFor();
  await page.keyboard.press("]");
  await main(page, "button.filter").first().waitFor();
  const [{ name }] = (await api(`jobs/${JOB}`)).steps;
  await page.waitForURL((url) => url.hash.includes(`level=debug&step=${name}`));
  const { workers } = await api(`jobs/${JOB}`);
  await main(page, `.opener[aria-label="More about ${name}"]`).click();
  await main(page, ".worker").first().click();
  await every(page, ".log-origin", /^\[worker\] $/);
  await page.waitForURL((url) => workers.some(({ name: worker }) => url.hash.includes(`worker=${worker}`)));
  await page.reload();
  await main(page, ".log-row").first().waitFor();
  await counts(main(page, "button.filter:visible"), 2);
  await done(opened);
});

test("colours are classes, JSON unfolds, lines wrap, times change", async () => {
  const opened = await openJob(JOB, { fragment: "?step=check", colorScheme: "dark", timezoneId: "Asia/Tokyo" });
  const { page } = opened;
  await main(page, ".ansi-fg-1").first().waitFor();
  assert.equal(await main(page, "[style*=color]").count(), 0);
  await main(page, ".log-row", { hasText: '"rows": 1200' }).locator(".log-message").click();
  await says(page, ".main .log-details", '"rows": 1200');
  await page.keyboard.press("w");
  await main(page, ".log-scroller.is-wrapped").waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll(".main .log-row:not(.is-open)")].some((row) => row.offsetHeight > 30));
  const overlaps = () => main(page, ".log-row").evaluateAll((rows) => {
    const boxes = rows.map((row) => row.getBoundingClientRect());
    return boxes.filter((box, at) => at > 0 && Math.abs(box.top - boxes[at - 1].bottom) >= 1).length;
  });
  await becomes(overlaps, 0); // what is higher than was reckoned with takes another frame
  for (const form of [/^\d{4}-/, /^\+0:/, /^−/, /^\d\d:/]) {
    await page.keyboard.press("t");
    await page.waitForFunction((source) => new RegExp(source).test(document.querySelector(".main .log-time").textContent), form.source);
  }
  const [{ timestamp }] = (await api(`logs?scope=job&job_id=${JOB}&step=check&limit=1`)).logs;
  const clock = () => main(page, ".log-time").last().textContent();
  assert.notEqual(await clock(), timestamp.slice(11, 23));
  await page.keyboard.press("u");
  await says(page, ".main .log-time", timestamp.slice(11, 23));
  await page.keyboard.press("t");
  await page.waitForURL(({ hash }) => ["wrap=1", "time=date", "utc=1"].every((part) => hash.includes(part)));
  await page.evaluate(() => localStorage.clear());
  await page.reload(); // whoever is sent the address sees the same
  await main(page, ".log-scroller.is-wrapped").waitFor();
  await says(page, ".main .log-time", timestamp.slice(0, 10));
  await page.keyboard.press("w");
  await done(opened);
});

test("fields unfold, selected rows are copied as what was logged, the stripe shows where errors are", async () => {
  const opened = await openJob(BIG, { fragment: "?level=debug", permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = opened;
  await main(page, ".log-number", { hasText: String((await api(`jobs/${BIG}/map`)).lines) }).waitFor();
  await drawn(page);
  const texts = await page.evaluate(() => {
    const messages = [...document.querySelectorAll(".main .log-message")].slice(3, 6);
    document.getSelection().setBaseAndExtent(messages[0].firstChild, 1, messages[2].firstChild, 2);
    return messages.map(({ textContent }) => textContent);
  });
  await page.waitForFunction(() => !document.getSelection().isCollapsed);
  await drawn(page); // the list has been told what is selected
  await page.keyboard.press("Control+c");
  await becomes(() => page.evaluate(() => navigator.clipboard.readText()), texts.join("\n"));
  await page.keyboard.press("y");
  await says(page, ".toast", "Copied text");
  assert.equal((await page.evaluate(() => navigator.clipboard.readText())).split("\n").length, 3);
  await page.evaluate(() => document.getSelection().removeAllRanges());

  await page.waitForFunction(() => {
    const map = document.querySelector(".main .minimap");
    const { data } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
    return map.width > 0 && data.some((value) => value > 0);
  });
  const { width, height } = await main(page, ".minimap").boundingBox();
  await main(page, ".minimap").click({ position: { x: width / 2, y: height / 2 } });
  await main(page, ".is-pointed").waitFor();
  const line = Number(await main(page, ".is-pointed .log-number").textContent());
  const middle = (await api(`jobs/${BIG}/map`)).lines / 2;
  assert.ok(Math.abs(line - middle) < middle / 10, String(line));

  await page.evaluate((hash) => (location.hash = hash), `#/job/${JOB}?step=thumbnails`);
  await main(page, ".pill-ended").waitFor();
  const withFields = main(page, ".log-row").filter({ has: page.locator(".log-fields:not(:empty)") }).last();
  await withFields.waitFor();
  await settled(page);
  await withFields.locator(".log-message").click();
  await main(page, ".log-details .log-fact-field").first().waitFor();
  await done({ ...opened, wrong: opened.wrong.filter((line) => !line.includes("getImageData")) }); // the test's own
});

test("lines are copied as text, as JSON, as a command, and the log is downloaded", async () => {
  const opened = await openJob(JOB, { fragment: "?level=debug#L3-5", permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = opened;
  await main(page, ".is-pointed").first().waitFor();
  const copied = async (item, toast) => {
    await main(page, "summary", { hasText: "Share" }).click();
    await main(page, `text=${item}`).click();
    await says(page, ".toast", `Copied ${toast}`);
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const entries = (await copied("Copy as JSON", "JSON")).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(entries.map(({ job_line: line }) => line), [3, 4, 5]);
  assert.equal((await copied("Copy as text", "text")).split("\n").length, 3);
  const command = await copied("Copy as command", "the command");
  assert.match(command, new RegExp(`^quaero tail ${JOB} --since [0-9a-f]+-\\d+ -n all --no-follow --level debug \\| head -n 3$`));
  const { stdout } = spawnSync("sh", ["-c", command.replace("quaero", QUAERO.join(" "))], { encoding: "utf8" });
  const said = stdout.trim().split("\n");
  assert.equal(said.length, 3);
  said.forEach((line, at) => assert.ok(line.includes(entries[at].message), line));
  assert.match(await copied("Copy link", "the link"), /#L3-5$/);
  await main(page, "summary", { hasText: "Share" }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), main(page, "text=Download NDJSON").click()]);
  assert.equal(file.suggestedFilename(), `${JOB}.ndjson`);
  await done(opened);
});

test("the timeline, the errors by kind and the details of a job", async () => {
  const opened = await openJob(JOB);
  const { page } = opened;
  await page.click("#tab-timeline");
  const { steps, workers } = await api(`jobs/${JOB}`);
  await page.locator(".gantt-bar").first().waitFor();
  await counts(page.locator(".gantt-row"), steps.length);
  const begun = [...steps, ...workers].filter(({ started_at: at }) => at).length;
  await counts(page.locator(".gantt-bar"), begun);
  await page.click("#tab-errors");
  await counts(page.locator(".group"), (await api(`jobs/${JOB}/errors`)).groups.length);
  await page.locator(".group .link").first().click();
  await main(page, ".is-pointed").first().waitFor();
  await page.click("#tab-details");
  await says(page, "#tabpanel-details", "day");
  await says(page, "#tabpanel-details", "1200");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("text=check/by day/broken rows.csv")]);
  assert.equal(file.suggestedFilename(), "broken rows.csv");
  assert.equal(readFileSync(await file.path(), "utf8"), "17,broken\n");
  await done(opened);
});

test("what failed is run again, as a new job that says what it repeats", async () => {
  const opened = await openJob(JOB);
  const { page } = opened;
  await main(page, "text=Run what failed").click();
  await page.waitForFunction((old) => location.hash.startsWith("#/job/") && !location.hash.includes(old), JOB);
  await page.locator(".job-title .status.is-pill:not(.status-running):not(.status-pending)").waitFor();
  await page.click("#tab-details");
  await says(page, "#tabpanel-details li", JOB);
  await done(opened);
});

test("a job is deleted with the second click, and the list goes on without it", async () => {
  const { jobs } = await api("jobs?definition=hello");
  const opened = await openJob(jobs[0].id);
  const { page } = opened;
  await main(page, ".job-actions .is-bad").click();
  await main(page, "text=Delete for good?").click();
  await page.locator(".jobs-row").first().waitFor();
  await counts(page.locator(`a[href="#/job/${jobs[0].id}"]`), 0);
  assert.ok(!(await api("jobs?definition=hello")).jobs.some(({ id }) => id === jobs[0].id));
  await done(opened);
});

test("jobs are filtered, opened in place, and the address holds the filters", async () => {
  const opened = await openPage({ fragment: "#/?status=failed" });
  const { page } = opened;
  const { jobs } = await api("jobs?status=failed&limit=100");
  await counts(page.locator(".jobs-row"), jobs.length);
  await page.selectOption("[aria-label=Status]", "");
  await page.fill("[type=search]", "nothing has this");
  await says(page, ".blank-title", "No job fits");
  await page.click("text=Clear the filters");
  await page.locator(".opener").first().click();
  await page.locator(".preview-log .preview-message").first().waitFor();
  await page.locator(".opener").first().click();
  await page.locator(".preview-log").waitFor({ state: "detached" });
  await done(opened);
});

test("definitions: errors of files, last runs, the graph; documents: list, search, article", async () => {
  const opened = await openPage({ fragment: "#/definitions" });
  const { page } = opened;
  await says(page, ".card.is-bad", "unknown step type");
  await page.click('.opener[aria-label="Steps of Nightly import"]');
  await page.locator("svg.dag .dag-box").first().waitFor();
  await counts(page.locator("svg.dag .dag-line"), 5);
  await page.locator(".run").first().waitFor();
  await page.goto(page.url().replace(/#.*/, "#/documents"));
  await page.locator(".document").first().waitFor();
  await page.fill("[type=search]", "harbour");
  await says(page, ".document-snippet mark", "harbour");
  await says(page, ".page-head", "1 document");
  await page.locator(".document-title").first().click();
  await says(page, ".article h1", "Harbour reopens");
  await counts(page.locator(".article-text li"), 2);
  const cells = () => page.locator(".article-text :is(th, td)").allTextContents();
  await becomes(cells, ["Ships", "Year", "Number", "2025", "12 | 13"]);
  assert.equal(await page.locator(".article-text img, .article-text script").count(), 0);
  await done(opened);
});

test("the service panel: badge while closed, level, kept over pages and reloads", async () => {
  const opened = await openPage();
  const { page } = opened;
  await page.locator(".panel .pill-live").first().waitFor({ state: "attached" });
  const job = await page.evaluate(async (token) => {
    const asked = { method: "POST", headers: { Authorization: `Bearer ${token}` } };
    return (await (await fetch("api/job-definitions/hello/execute", asked)).json()).job_id;
  }, TOKEN);
  await page.locator(".panel-badge:visible").waitFor();
  await page.keyboard.press("`");
  await says(page, ".panel .log-message", `Job ended: ${job}`); // nothing more comes
  await page.locator(".panel-badge").waitFor({ state: "hidden" });
  await page.locator(".panel .log-totals", { hasText: "Showing" }).waitFor();
  await page.evaluate(() => (location.hash = "#/documents"));
  await page.locator(".document").first().waitFor();
  assert.equal(await page.locator(".panel .log-row").first().isVisible(), true);
  await page.click(".panel >> text=Clear");
  await page.locator(".panel .log-row").first().waitFor({ state: "detached" });
  await page.selectOption(".panel select", "warn");
  await page.reload();
  await page.locator(".panel-body:visible").waitFor();
  await becomes(() => page.locator(".panel select").inputValue(), "warn");
  await shoot(page, "panel");
  await page.click(".panel-toggle");
  await done(opened);
});

test("themes: the system's, dark, light; kept", async () => {
  const opened = await openPage({ colorScheme: "light" });
  const { page } = opened;
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await becomes(ground, "rgb(244, 246, 248)");
  await page.locator(".jobs-row").first().waitFor();
  await page.keyboard.press("T");
  await becomes(ground, "rgb(13, 17, 23)");
  await page.reload();
  await page.locator(".jobs-row").first().waitFor();
  await becomes(ground, "rgb(13, 17, 23)");
  await done(opened);
});
