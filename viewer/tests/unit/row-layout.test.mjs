/** Where rows lie, with a few unfolded ones among them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { RowLayout } from "../../js/lib/row-layout.js";
import { ReadingPlace } from "../../js/view/reading-place.js";

test("folded rows are one below the other", () => {
  const layout = new RowLayout(20);
  assert.deepEqual([layout.top(0), layout.top(7), layout.height(10)], [0, 140, 200]);
  assert.deepEqual([layout.indexAt(0), layout.indexAt(19), layout.indexAt(20), layout.indexAt(199)], [0, 0, 1, 9]);
});

test("an unfolded row pushes down what follows", () => {
  const layout = new RowLayout(20);
  layout.setUnfolded([[5, 100], [2, 50]]);
  assert.deepEqual([2, 3, 5, 6].map((index) => layout.top(index)), [40, 110, 150, 270]);
  assert.equal(layout.height(10), 350);
});

test("every pixel of a row belongs to it, its details too", () => {
  const layout = new RowLayout(20);
  layout.setUnfolded([[0, 33], [2, 50], [3, 7]]);
  for (let index = 0; index < 8; index += 1) {
    assert.equal(layout.indexAt(layout.top(index)), index);
    assert.equal(layout.indexAt(layout.top(index + 1) - 1), index);
  }
});

test("a scroll that is told after rows have joined above, and before they are shown, moves nobody", () => {
  const place = new ReadingPlace(new RowLayout(20), 30);
  place.viewport = 200;
  place.settle(0, 100, true);
  place.top = 630; // the reader went up to row 30
  place.anchorAt(630);
  assert.equal(place.settle(0, 100, false), null);
  // 50 rows have joined above; the scroll by 20 pixels is told only now.
  place.top = 610;
  place.anchorAt(610);
  assert.equal(place.settle(-50, 150, false), 610 + 50 * 20);
});
