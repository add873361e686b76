/** The bounded window: never a hole, never a duplicate, never more than its capacity. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { LogWindow } from "../../js/lib/log-window.js";
import { entries } from "../support/fakes.mjs";

const ids = (list) => list.map(({ id }) => id);

function contiguous(window) {
  const list = ids(window.entries);
  list.forEach((id, at) => at > 0 && assert.equal(id, list[at - 1] + 1, "a hole"));
}

test("what is sent twice is shown once", () => {
  const window = new LogWindow();
  assert.equal(window.append(entries(1, 5)).length, 5);
  assert.deepEqual(ids(window.append(entries(3, 7))), [6, 7]);
  assert.deepEqual(window.append(entries(1, 7)), []);
  assert.deepEqual(ids(window.entries), [1, 2, 3, 4, 5, 6, 7]);
});

test("a reader at the end loses the oldest, a chunk at a time, and the indices stay", () => {
  const window = new LogWindow(100);
  window.append(entries(1, 100));
  assert.equal(window.hasOlder, false);
  window.append(entries(101, 101));
  assert.equal(window.entries.length, 90);
  assert.equal(window.entries[0].id, 12);
  assert.equal(window.base, 11);
  assert.equal(window.hasOlder, true);
});

test("a batch larger than the window leaves its newest entries", () => {
  const window = new LogWindow(10);
  window.append(entries(1, 1000));
  assert.equal(window.entries.at(-1).id, 1000);
  assert.ok(window.entries.length <= 10);
});

test("a window of one holds one", () => {
  const window = new LogWindow(1);
  window.append(entries(1, 3));
  assert.deepEqual(ids(window.entries), [3]);
});

test("rows are not pulled away from a reader who has scrolled up", () => {
  const window = new LogWindow(100);
  window.append(entries(1, 100));
  window.append(entries(101, 130), { following: false });
  assert.deepEqual([window.entries[0].id, window.entries.at(-1).id, window.held.length], [1, 100, 30]);
  window.append(entries(131, 140), { following: false });
  assert.equal(window.held.length, 40);
  assert.equal(window.detached, true);
});

test("going to the end joins what waited", () => {
  const window = new LogWindow(100);
  window.append(entries(1, 50));
  window.append(entries(51, 60), { hold: true });
  assert.equal(window.entries.length, 50);
  window.release();
  assert.equal(window.entries.at(-1).id, 60);
  assert.equal(window.detached, false);
  contiguous(window);
});

test("when too much waited, going to the end starts over there, and says that there is more before", () => {
  const window = new LogWindow(100);
  window.append(entries(1, 50));
  window.append(entries(51, 500), { hold: true });
  assert.equal(window.torn, true);
  window.release();
  contiguous(window);
  assert.equal(window.entries.at(-1).id, 500);
  assert.equal(window.hasOlder, true);
  assert.ok(window.entries.length <= 100);
});

test("older entries come before, and those far below wait", () => {
  const window = new LogWindow(100);
  window.append(entries(101, 190));
  window.hasOlder = true;
  assert.equal(window.prepend(entries(71, 100)), 30);
  assert.equal(window.base, -30);
  assert.deepEqual([window.entries[0].id, window.entries.at(-1).id], [71, 170]);
  assert.deepEqual(ids(window.held), Array.from({ length: 20 }, (_, at) => 171 + at));
  assert.equal(window.prepend(entries(71, 80)), 0);
});

test("scrolling down again meets every entry once", () => {
  const window = new LogWindow(100);
  window.append(entries(1, 100));
  window.append(entries(101, 150), { following: false });
  while (window.detached) {
    const before = window.entries.at(-1).id;
    window.advance();
    assert.equal(window.entries.at(-1).id, before + 10);
    contiguous(window);
  }
  assert.equal(window.entries.at(-1).id, 150);
});

test("a tear is closed by pages", () => {
  const window = new LogWindow(100);
  window.append(entries(1, 100));
  window.append(entries(101, 400), { following: false });
  assert.equal(window.torn, true);
  const firstHeld = window.held[0].id;
  for (let from = 101; from < firstHeld; from += 50) window.extend(entries(from, from + 49));
  window.mend();
  while (window.detached) window.advance();
  contiguous(window);
  assert.equal(window.entries.at(-1).id, 400);
});

test("what was cleared does not come back by itself", () => {
  const window = new LogWindow();
  window.append(entries(1, 10));
  window.clear();
  assert.deepEqual(window.append(entries(5, 11)).map(({ id }) => id), [11]);
  assert.equal(window.hasOlder, true);
  assert.equal(window.prepend(entries(6, 10)), 5);
});

test("a jump of the stream never leaves a hole in what is shown", () => {
  const window = new LogWindow();
  window.append(entries(1, 10));
  window.skip(500);
  window.append(entries(501, 505));
  assert.deepEqual(ids(window.entries), [501, 502, 503, 504, 505]);
  assert.equal(window.hasOlder, true);

  const reading = new LogWindow();
  reading.append(entries(1, 10));
  reading.skip(500, { following: false });
  reading.append(entries(501, 505), { following: false });
  assert.deepEqual(ids(reading.entries), ids(entries(1, 10)));
  assert.equal(reading.torn, true);
});

test("an entry is found by its id", () => {
  const window = new LogWindow();
  window.append([1, 5, 9, 12].flatMap((id) => entries(id, id)));
  assert.equal(window.indexOf(9), 2);
  assert.equal(window.indexOf(10), -1);
});

test("a jump shows another place; the end is kept, and the way back has no hole", () => {
  const window = new LogWindow(100);
  window.append(entries(901, 1000));
  window.hasOlder = true;
  window.jump(entries(201, 250), true);
  assert.deepEqual([window.entries[0].id, window.entries.at(-1).id], [201, 250]);
  assert.equal(window.detached, true);
  window.append(entries(1001, 1003));
  assert.equal(window.entries.at(-1).id, 250);
  window.extend(entries(251, 280));
  contiguous(window);
  window.release();
  assert.equal(window.entries.at(-1).id, 1003);
  contiguous(window);
});

test("a jump to a place just before the end joins it without a tear", () => {
  const window = new LogWindow(100);
  window.append(entries(90, 100));
  window.jump(entries(80, 95), true);
  window.release();
  contiguous(window);
  assert.deepEqual([window.entries[0].id, window.entries.at(-1).id], [80, 100]);
});

test("the nearest entry that is held is found when the one asked for is filtered out", () => {
  const window = new LogWindow();
  window.append([...entries(1, 3), ...entries(10, 12)]);
  assert.deepEqual([0, 2, 7, 10, 99].map((id) => window.positionOf(id)), [-1, 1, 2, 3, 5]);
});
