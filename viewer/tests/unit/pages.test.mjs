/** What the pages show and send, apart from the page: steps, jobs, forms, words, routes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer } from "../../js/lib/announcer.js";
import { connectionWords } from "../../js/lib/connection-words.js";
import { bodyOf, fieldsOf } from "../../js/lib/parameters.js";
import { isFinal, statusOf } from "../../js/lib/statuses.js";
import { jobRow, jobView, stepView } from "../../js/lib/step-views.js";
import { throttled } from "../../js/lib/throttle.js";
import { entry, FakeClock } from "../support/fakes.mjs";

const NOW = Date.parse("2026-01-15T10:30:10.000Z");

function step(extra = {}) {
  const workers = { pending: 66, running: 1, completed: 30, failed: 3, cancelled: 0 };
  const counts = { debug: 0, info: 41, warn: 2, error: 1 };
  const started = "2026-01-15T10:30:00.000Z";
  return { id: "j.a", name: "a", type: "crawler", status: "running", progress: 33, workers, counts, started_at: started, ...extra };
}

test("a step shows its workers as parts of a bar, in the server's words", () => {
  const view = stepView(step({ progress_text: "66 pending, 1 running" }), NOW);
  assert.deepEqual(view.parts.map(({ name, width }) => [name, width]), [["completed", "30%"], ["failed", "3%"], ["active", "1%"]]);
  assert.equal(view.text, "66 pending, 1 running");
  assert.equal(view.duration, "10.0 s");
  assert.deepEqual([view.warnings, view.errorsTitle], ["2", "1 error"]);
});

test("a step without workers shows its own progress, and a waiting one nothing", () => {
  const none = { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
  assert.deepEqual(stepView(step({ workers: none }), NOW).parts[0].width, "33%");
  assert.deepEqual(stepView(step({ workers: none, status: "completed", progress: 100 }), NOW).parts, []);
  const waiting = stepView({ id: "j.b", name: "b", type: "shell", status: "pending" }, NOW);
  assert.deepEqual([waiting.parts, waiting.duration, waiting.text], [[], "", ""]);
});

test("a job's duration runs while it does, then stands", () => {
  const job = { id: "j", definition: "demo", status: "running", progress: 45, started_at: "2026-01-15T10:29:00.000Z" };
  assert.deepEqual([jobView(job, NOW).duration, jobView(job, NOW).percent, jobView(job, NOW).running], ["1m 10s", "45 %", true]);
  const ended = { ...job, status: "failed", finished_at: "2026-01-15T10:29:05.000Z" };
  assert.deepEqual([jobView(ended, NOW).duration, jobView(ended, NOW).percent], ["5.0 s", ""]);
});

test("a row of the list leaves out zeros, and links to its job without a token", () => {
  const row = jobRow({ id: "a/b", status: "completed", total_count: 0, counts: { debug: 0, info: 0, warn: 0, error: 0 } }, NOW);
  assert.deepEqual([row.warnings, row.errors, row.entries, row.href], ["", "", "0", "#/job/a%2Fb"]);
});

test("every status has a word and a glyph, an unknown one its own name", () => {
  const names = ["pending", "running", "completed", "warning", "failed", "cancelled", "skipped", "interrupted"];
  assert.equal(new Set(names.map((name) => statusOf(name).glyph)).size, names.length);
  assert.deepEqual(names.filter(isFinal), names.slice(2));
  assert.equal(statusOf("paused").word, "paused");
});

const DEFINITION = {
  parameters: [
    { name: "urls", type: "list", default: ["a"] },
    { name: "pages", type: "int", default: 200, min: 1 },
    { name: "delay", type: "float", default: null },
    { name: "mode", type: "int", default: 1, choices: [1, 2] },
    { name: "keep", type: "bool", default: false },
    { name: "title", type: "string", default: "x", required: false },
  ],
};

test("a form has a field for each parameter, with its default", () => {
  const fields = fieldsOf(DEFINITION);
  assert.deepEqual(fields.map(({ kind }) => kind), ["lines", "number", "number", "select", "check", "text"]);
  assert.deepEqual(fields.map(({ text }) => text), ["a", "200", "", "1", "false", "x"]);
  assert.deepEqual(fieldsOf({}), []);
});

test("a secret is typed unseen", () => {
  const parameters = [{ name: "token", type: "string", secret: true }, { name: "pin", type: "int", secret: true }];
  assert.deepEqual(fieldsOf({ parameters }).map(({ kind }) => kind), ["secret", "number"]);
});

test("what was not touched is not sent, and what was is sent in its type", () => {
  const fields = fieldsOf(DEFINITION);
  assert.deepEqual(bodyOf(fields), {});
  const texts = { urls: " b \n\nc", pages: "12", delay: "0.5", mode: "2", title: "" };
  for (const field of fields) field.text = texts[field.name] ?? field.text;
  fields.find(({ name }) => name === "keep").checked = true;
  assert.deepEqual(bodyOf(fields), { urls: ["b", "c"], pages: 12, delay: 0.5, mode: 2, keep: true, title: "" });
});

test("a number that was emptied takes the default; one that is none is refused here", () => {
  const fields = fieldsOf(DEFINITION);
  fields[1].text = "";
  assert.deepEqual(bodyOf(fields), {});
  fields[1].text = "many";
  assert.throws(() => bodyOf(fields), /pages: many is no number/);
});

test("the connection is told in words", () => {
  const words = (stream) => {
    const { word, wait } = connectionWords({ retryAt: null, error: null, paused: false, ...stream }, NOW);
    return [word, wait].filter(Boolean).join(" ");
  };
  assert.equal(words({ state: "live" }), "Live");
  assert.equal(words({ state: "live", paused: true }), "Paused");
  assert.equal(words({ state: "retrying", retryAt: NOW + 2100 }), "Reconnecting in 3 s");
  assert.equal(words({ state: "retrying" }), "Reconnecting …");
  const failed = connectionWords({ state: "failed", error: { message: "no such job", hint: "look again" } }, NOW);
  assert.deepEqual([failed.word, failed.detail], ["Failed", "no such job (look again)"]);
  for (const state of ["idle", "connecting", "stale", "ended"]) assert.ok(words({ state }));
});

test("a screen reader hears a sum now and then, not every row", async () => {
  const clock = new FakeClock();
  const announcer = new Announcer(clock);
  assert.equal(announcer.next(), null);
  announcer.note([entry(1), entry(2, { level: "error" })]);
  assert.equal(announcer.next(), "2 new entries, 1 error");
  announcer.note([entry(3)]);
  assert.equal(announcer.next(), null);
  await clock.advance(10_000);
  assert.equal(announcer.next(), "1 new entry");
});

test("what is throttled runs at once, then once at the end of the interval", async () => {
  const clock = new FakeClock();
  let runs = 0;
  const ask = throttled(() => (runs += 1), 150, clock);
  for (let time = 0; time < 10; time += 1) ask();
  assert.equal(runs, 1);
  await clock.advance(150);
  assert.equal(runs, 2);
  await clock.advance(1000);
  assert.equal(runs, 2);
  ask();
  ask();
  ask.cancel();
  await clock.advance(1000);
  assert.equal(runs, 3);
});
