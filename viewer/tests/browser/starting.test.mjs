/**
 * Starting jobs by the form, and going anywhere by the palette. The definition `form` has a parameter of each kind;
 * QUAERO_JOB is a job that has ended.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, counts, needed, openPage, says } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");

test("a form has a field for each parameter, and sends what was written, in its type", async () => {
  const { page, wrong, close } = await openPage({ fragment: "#/definitions" });
  await page.locator(".card", { hasText: "Every field" }).locator("button", { hasText: "Start" }).click();
  const field = (name) => page.locator(`#field-${name}`);
  await field("word").waitFor();
  assert.deepEqual(await field("colour").locator("option").allTextContents(), ["", "red", "green"]);
  assert.deepEqual([await field("count").getAttribute("min"), await field("count").getAttribute("max")], ["1", "5"]);
  assert.equal(await field("password").getAttribute("type"), "password");
  assert.deepEqual([await field("count").inputValue(), await field("share").inputValue()], ["2", "0.5"]);

  // What is required, or out of range, does not leave the page; what only the server knows is told at its field.
  await page.locator(".start-foot .is-primary").click();
  assert.equal(await field("word").evaluate((input) => input.matches(":invalid")), true);
  await field("word").fill("UPPER");
  await field("count").fill("9");
  assert.equal(await field("count").evaluate((input) => input.matches(":invalid")), true);
  await field("count").fill("3");
  await page.locator(".start-foot .is-primary").click();
  await page.locator(".field.is-wrong", { hasText: "word" }).waitFor();
  assert.notEqual(await page.locator(".start-failure").textContent(), "");

  await field("word").fill("fine");
  await field("colour").selectOption("green");
  await field("share").fill("0.25");
  await field("loud").check();
  await field("names").fill("one\ntwo\n");
  await field("place").fill("/tmp");
  await field("password").fill("opensesame");
  await page.locator(".start-foot .is-primary").click();
  await page.locator(".job-title .status-completed").waitFor();
  const id = new URL(page.url()).hash.split(/[/?#]/)[3];
  const { parameters } = await api(`jobs/${id}`);
  const { password, ...others } = parameters;
  assert.deepEqual(others, { word: "fine", colour: "green", count: 3, share: 0.25, loud: true, names: ["one", "two"], place: "/tmp" });
  assert.ok(!JSON.stringify(password ?? null).includes("opensesame"));
  await says(page, ".main .log-message", "fine ");
  assert.ok(!(await page.content()).includes("opensesame"));
  assert.deepEqual(wrong.filter((line) => !line.includes("400")), []);
  await close();
});

test("a definition says when it runs next; one that cannot be loaded cannot be started", async () => {
  const { page, wrong, close } = await openPage({ fragment: "#/definitions" });
  const card = page.locator(".card", { hasText: "Nightly import" });
  await card.locator(".fire").first().waitFor();
  const { definitions } = await api("job-definitions");
  const { next_fires: fires } = definitions.find(({ id }) => id === "nightly-import");
  await counts(card.locator(".fire"), Math.min(3, fires.length));
  await page.keyboard.press("s");
  await page.locator(".start-choice:disabled", { hasText: "broken" }).waitFor();
  assert.deepEqual(wrong, []);
  await close();
});

test("the palette reaches every page, every definition, every job, and what can be done", async () => {
  const { page, wrong, close } = await openPage();
  await page.locator(".jobs-row").first().waitFor();
  const choose = async (text, label) => {
    await page.keyboard.press("Control+k");
    await page.locator(".palette-input").fill(text);
    await page.locator(".palette-item[aria-selected=true]", { hasText: label }).waitFor();
    await page.keyboard.press("Enter");
  };
  const arrives = (hash) => page.waitForFunction((wanted) => location.hash.startsWith(wanted), hash);
  for (const name of ["Definitions", "Documents", "Service log", "Jobs"]) {
    await choose(`go to ${name}`, `Go to ${name}`);
    await arrives({ Jobs: "#/", "Service log": "#/service" }[name] ?? `#/${name.toLowerCase()}`);
  }
  const { definitions } = await api("job-definitions");
  for (const { id, name } of definitions) {
    await choose(`${name || id} definition`, name || id);
    await arrives(`#/definitions?open=${id}`);
  }
  const { jobs } = await api("jobs?limit=500");
  for (const { id } of jobs) {
    await choose(id, id);
    await arrives(`#/job/${id}`);
  }
  await page.evaluate((hash) => (location.hash = hash), `#/job/${JOB}`);
  await page.locator(".main .log-row").first().waitFor();
  await choose("details", "Details");
  await page.locator("#tabpanel-details").waitFor();
  await choose("other times", "Other times");
  await arrives(`#/job/${JOB}?tab=details&time=date`);
  await choose("show these keys", "Show these keys");
  await says(page, "dialog.help", "Next hit");
  assert.deepEqual(wrong, []);
  await close();
});
