/** Values -> words. The time zone is set by the test's own process. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "../../js/lib/format.js";
import { laterCounts, levelClass, levelOf, sumCounts } from "../../js/lib/levels.js";
import { fieldsLine, visibleLine, visibleLines } from "../../js/lib/text.js";

test("a timestamp keeps its milliseconds, and says so when it is not in the reader's zone", () => {
  const iso = "2026-01-15T10:30:45.123Z";
  assert.equal(format.formatTimestamp(iso, { utc: true }), "10:30:45.123Z");
  assert.equal(format.formatTimestamp(iso, { utc: true, date: true }), "2026-01-15 10:30:45.123Z");
  const local = new Date(iso);
  assert.equal(format.formatTimestamp(iso).slice(0, 2), String(local.getHours()).padStart(2, "0"));
  assert.match(format.formatTimestamp(iso, true), /^2026-01-1\d \d\d:\d\d:45\.123$/);
});

test("what is no time is shown as it came", () => {
  assert.equal(format.formatTimestamp("10:30:45"), "10:30:45");
  assert.equal(format.formatTimestamp(null), "");
});

test("durations read well at every size", () => {
  const durations = { 41: "41 ms", 3250: "3.2 s", 59_990: "59.9 s", 65_000: "1m 05s", 7_380_000: "2h 03m" };
  for (const [ms, words] of Object.entries(durations)) assert.equal(format.formatDuration(Number(ms)), words);
  assert.equal(format.formatDuration(null), "");
});

test("elapsed time runs until now, then stands", () => {
  const start = "2026-01-15T10:30:00.000Z";
  const now = Date.parse("2026-01-15T10:30:10.000Z");
  assert.equal(format.elapsed(null, null, now), null);
  assert.equal(format.elapsed(start, null, now), 10_000);
  assert.equal(format.elapsed(start, "2026-01-15T10:30:02.000Z", now), 2000);
});

test("counts, sizes and ages", () => {
  assert.equal(format.formatCount(1234567), "1,234,567");
  assert.equal(format.formatCount(null), "–");
  assert.equal(format.plural(1, "error"), "1 error");
  assert.equal(format.plural(0, "error"), "0 errors");
  assert.equal(format.formatBytes(1536), "1.5 KiB");
  assert.equal(format.formatAgo("2026-01-15T10:30:00Z", Date.parse("2026-01-15T10:35:30Z")), "5 min ago");
});

test("one table of levels: an unknown one counts as info", () => {
  assert.equal(levelClass("error"), "log-level-error");
  assert.equal(levelClass("silly"), "log-level-info");
  assert.equal(levelOf("warn").value, 30);
});

test("a level is a threshold for counts, too", () => {
  const counts = { debug: 1, info: 2, warn: 3, error: 4 };
  assert.equal(sumCounts(counts), 10);
  assert.equal(sumCounts(counts, "warn"), 7);
  assert.deepEqual(laterCounts(counts, { info: 5 }), { debug: 1, info: 5, warn: 3, error: 4 });
});

test("control characters are seen, not obeyed, as the terminal shows them", () => {
  assert.equal(visibleLine("a\u001b[31mred\rb\nc\u0000\u009b"), String.raw`a\x1b[31mred\rb\nc\x00\x9b`);
  assert.equal(visibleLine("user\u202enimda\ud800"), String.raw`user\u202enimda\ud800`);
  assert.equal(visibleLines("a\nb\rc"), "a\nb\\rc");
  assert.equal(visibleLine("Größe 👩‍👩‍👧\tok"), "Größe 👩‍👩‍👧\tok");
});

test("fields stay apart in one line", () => {
  const fields = { status: 200, path: "/a", url: "a b", tags: ["x"], none: "", ok: null };
  assert.equal(fieldsLine(fields), 'status=200  path=/a  url="a b"  tags=["x"]  none=""  ok=null');
  assert.equal(fieldsLine(undefined), "");
  assert.ok(fieldsLine({ big: "x".repeat(9000) }).length < 500);
});
