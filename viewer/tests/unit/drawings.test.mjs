/** Timelines, graphs, the palette, the keys: arithmetic behind what is drawn. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { layoutDag } from "../../js/lib/dag-layout.js";
import { layoutGantt } from "../../js/lib/gantt-layout.js";
import { KEYMAP, Keys } from "../../js/lib/keymap.js";
import { rankItems } from "../../js/lib/rank.js";
import { Preferences } from "../../js/lib/storage.js";

const at = (second) => new Date(Date.parse("2026-01-15T10:30:00.000Z") + second * 1000).toISOString();
const end = (to) => (to === null ? null : at(to));
const run = (name, from, to, status = "completed") => ({ name, status, started_at: at(from), finished_at: end(to) });

test("bars lie where time went, and workers that do not overlap share a lane", () => {
  const steps = [run("a", 0, 5), run("b", 5, 10), { name: "c", status: "skipped", started_at: null, finished_at: null }];
  const workers = [run("a-1", 0, 2), run("a-2", 0, 5), run("a-3", 2, 5), run("b-1", 6, null, "running")];
  const { rows, ticks } = layoutGantt(steps, workers, Date.parse(at(10)));
  assert.deepEqual([rows[1].bar.left, rows[1].bar.width], [50, 50]);
  assert.deepEqual(rows[0].lanes.map((lane) => lane.map(({ name }) => name)), [["a-1", "a-3"], ["a-2"]]);
  assert.equal(rows[1].lanes[0][0].width, 40);
  assert.deepEqual([rows[2].bar, rows[2].lanes], [null, []]);
  assert.deepEqual(ticks.map(({ label }) => label), ["2.0 s", "4.0 s", "6.0 s", "8.0 s"]); // 10 s would be cut
  assert.equal(layoutGantt([run("a", 0, 0.3)], [], 0).ticks[0].label, "50 ms");
  assert.deepEqual(layoutGantt([], [], 0).rows, []);
});

test("ten thousand workers are a bounded drawing that says what it leaves out", () => {
  const workers = Array.from({ length: 10_000 }, (_, number) => run(`a-${number}`, 0, 1 + (number % 7)));
  const [row] = layoutGantt([run("a", 0, 10)], workers, 0).rows;
  assert.ok(row.lanes.length <= 16);
  assert.equal(row.lanes.flat().length + row.hidden, 10_000);
});

test("a graph has its steps in columns behind what they wait for, and survives a cycle", () => {
  const step = (name, ...depends) => ({ name, type: "shell", depends });
  const { boxes, lines } = layoutDag([step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"), step("e", "gone")]);
  const x = Object.fromEntries(boxes.map((box) => [box.name, box.x]));
  assert.ok(x.a < x.b && x.b === x.c && x.c < x.d && x.e === x.a);
  assert.equal(lines.length, 4);
  assert.equal(layoutDag([step("a", "b"), step("b", "a")]).boxes.length, 2);
  assert.equal(layoutDag([]).boxes.length, 0);
});

test("the palette finds by words in any order, beginnings first", () => {
  const items = ["Restart", "Start hello", "Go to Jobs"].map((label) => ({ label, about: "x1" }));
  assert.deepEqual(rankItems(items, "start").map(({ label }) => label), ["Start hello", "Restart"]);
  assert.deepEqual(rankItems(items, "hel sta").map(({ label }) => label), ["Start hello"]);
  assert.equal(rankItems(items, "").length, 3);
  assert.equal(rankItems(items, "zzz").length, 0);
});

test("keys: alone, in pairs, only where they mean something, no key twice", () => {
  const keys = new Keys();
  assert.equal(keys.press("g", "jobs", 0), null);
  assert.equal(keys.press("d", "jobs", 500), "go:definitions");
  assert.equal(keys.press("g", "job", 2000), null);
  assert.equal(keys.press("d", "job", 4000), "tab:details");
  assert.equal(keys.press("e", "jobs", 5000), null);
  assert.equal(keys.press("e", "job", 6000), "next-error");
  assert.equal(new Set(KEYMAP.map((entry) => entry.keys)).size, KEYMAP.length);
});

test("choices are kept, and broken or foreign ones are not taken", () => {
  const kept = new Map([["quaero.preferences", '{"wrap": true, "time": 7, "evil": 1}']]);
  const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const preferences = new Preferences(() => store);
  assert.deepEqual([preferences.get("wrap"), preferences.get("time"), preferences.get("evil")], [true, "clock", undefined]);
  preferences.set("theme", "dark");
  assert.equal(new Preferences(() => store).get("theme"), "dark");
  const refused = new Preferences(() => { throw new Error("no storage"); });
  refused.set("theme", "light");
  assert.equal(refused.get("theme"), "light");
});

test("the documentation has every key", () => {
  const page = readFileSync(new URL("../../../docs/viewer.md", import.meta.url), "utf8");
  for (const { keys, label } of KEYMAP) assert.ok(page.includes(`${keys}`) && page.includes(`| ${label} |`), `${keys}: ${label}`);
});
