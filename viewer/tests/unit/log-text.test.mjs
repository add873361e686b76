/** Colours of lines, times, copies, hits: what a reader sees and takes away. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseAnsi, withoutAnsi } from "../../js/lib/ansi.js";
import { entriesAsJson, entriesAsText, tailCommand } from "../../js/lib/copy-text.js";
import { Hits } from "../../js/lib/hits.js";
import { timeText } from "../../js/lib/time-modes.js";
import { behindOf, totalsOf } from "../../js/lib/viewer-words.js";
import { connectionWords } from "../../js/lib/connection-words.js";
import { entry } from "../support/fakes.mjs";

const spans = (text) => parseAnsi(text).map(({ text, className }) => [text, className]);

test("colours become classes, what moves the cursor goes, other text stays as it is", () => {
  assert.deepEqual(spans("a\u001b[31mb\u001b[0mc"), [["a", ""], ["b", "ansi-fg-1"], ["c", ""]]);
  assert.deepEqual(spans("\u001b[1;4;93;44mx"), [["x", "ansi-bold ansi-underline ansi-fg-3 ansi-bg-4"]]);
  assert.deepEqual(spans("\u001b[1mx\u001b[22my"), [["x", "ansi-bold"], ["y", ""]]);
  assert.deepEqual(spans("\u001b[2K\u001b[1Ga\u001b(Bb")[0], ["a", ""]);
  assert.equal(withoutAnsi("\u001b]8;;https://x.test\u0007link\u001b]8;;\u0007"), "link");
  assert.deepEqual(spans("<b>\u001b[31m<i>"), [["<b>", ""], ["<i>", "ansi-fg-1"]]);
});

test("256 and 16 million colours become the nearest one that can be read", () => {
  assert.equal(parseAnsi("\u001b[38;5;196mx")[0].className, "ansi-fg-1");
  assert.equal(parseAnsi("\u001b[38;2;20;190;120mx")[0].className, "ansi-fg-2");
  assert.equal(parseAnsi("\u001b[48;5;4mx")[0].className, "ansi-bg-4");
  for (const broken of ["38;5", "38;2;1", "38", "38;5;999", "38;9;1", "9999", "", ";;;"]) {
    assert.equal(parseAnsi(`\u001b[${broken}mx`).at(-1).text, "x", broken);
  }
});

test("times: of day, with the date, since the start, ago, in UTC", () => {
  const at = "2026-01-15T10:30:45.123Z";
  const start = Date.parse("2026-01-15T10:28:40.000Z");
  assert.equal(timeText(at, { time: "clock", utc: true }, 0), "10:30:45.123Z");
  assert.equal(timeText(at, { time: "date", utc: true }, 0), "2026-01-15 10:30:45.123Z");
  assert.equal(timeText(at, { time: "since", start }, 0), "+2:05.123");
  assert.equal(timeText(at, { time: "ago" }, Date.parse(at) + 3_723_004), "−1:02:03.004");
  assert.match(timeText(at, { time: "since", start: null }, 0), /^\d\d:\d\d/);
});

test("a copy has the text, the whole JSON, or a command that a shell takes as it is", () => {
  const message = "\u001b[31mbad\u001b[0m";
  const one = entry(7, { message, step_name: "a", worker: "a-1", originator: "worker", fields: { n: 1 } });
  assert.match(entriesAsText([one]), /info {3}a-1 {2}\[worker\] bad {2}\{"n":1\}$/);
  assert.deepEqual(JSON.parse(entriesAsJson([one])), one);
  assert.equal(
    tailCommand("7k3q", "3f2a-6", 11, { level: "warn", step: "a b", q: "it's" }),
    "quaero tail 7k3q --since 3f2a-6 -n all --no-follow --level warn --step 'a b' --grep 'it'\\''s' | head -n 11",
  );
});

test("hits are gone through from where the reader is, round the ends, and stay when more come", () => {
  const hits = new Hits({ hits: [[5, 1], [9, 2], [20, 3]], complete: true });
  assert.equal(hits.words, "3 hits");
  assert.equal(hits.move(1, 7), 9);
  assert.equal(hits.words, "2 of 3");
  assert.equal(hits.move(1), 20);
  assert.equal(hits.move(1), 5);
  assert.equal(hits.move(-1), 20);
  hits.renew({ hits: [[5, 1], [9, 2], [20, 3], [30, 4]], complete: false });
  assert.equal(hits.words, "3 of 4+");
  assert.equal(new Hits({ hits: [[5, 1]], complete: true }).move(-1, 3), 5);
  assert.equal(new Hits().move(1, 3), null);
  assert.equal(new Hits().words, "No hits");
});

test("totals say what is shown, what the filter lets through, and what there is", () => {
  const logs = [entry(1, { job_line: 1 })];
  assert.equal(totalsOf({ logs, displayedCount: 1380, totalCount: 1542 }), "Showing 1 of 1,380 filtered (1,542 total)");
  assert.equal(totalsOf({ logs, displayedCount: null, totalCount: null }), "Showing 1");
  const live = { behind: 90_000, paused: false, state: "live" };
  assert.equal(behindOf(live), 90_000);
  const nothing = [{ ...live, state: "ended" }, { ...live, behind: 2999 }, { ...live, paused: true }];
  assert.deepEqual(nothing.map(behindOf), [0, 0, 0]);
  assert.equal(connectionWords({ state: "live" }, 0, 90_000).wait, "90,000 behind");
  assert.equal(connectionWords({ state: "failed", error: { status: 403, message: "no" } }, 0).word, "Refused");
});
