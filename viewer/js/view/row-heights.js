/** Which rows are unfolded, and how much higher than one line each row is: measured, remembered by id. */

import { RowLayout } from "../lib/row-layout.js";

export class RowHeights {
  #extra = new Map(); // id -> height beyond one line
  #open = new Set(); // ids
  #rowHeight;

  constructor(rowHeight) {
    this.#rowHeight = rowHeight;
    this.layout = new RowLayout(rowHeight);
  }

  isOpen(id) {
    return this.#open.has(id);
  }

  /** Unfold a row, or fold it; returns whether it is unfolded now. */
  toggle(id) {
    if (this.#open.delete(id)) {
      this.#extra.delete(id);
      return false;
    }
    this.#open.add(id);
    return true;
  }

  /** Forget what was measured: the width, or the way rows are shown, has changed. */
  forget() {
    this.#extra.clear();
  }

  /** Put the heights where the entries are now; those of entries that have left are forgotten. */
  arrange(source) {
    const placed = [];
    for (const [id, extra] of this.#extra) {
      const index = source.indexOf(id);
      if (index >= 0) placed.push([index, extra]);
      else if (!this.#open.has(id)) this.#extra.delete(id);
    }
    this.layout.setUnfolded(placed);
  }

  /** Measure rows; returns those that are not as high as was reckoned with, as `[row, extra]`. */
  measure(rows) {
    const changed = [];
    for (const row of rows) {
      const extra = row.element.offsetHeight - this.#rowHeight;
      if ((this.#extra.get(row.entry.id) ?? 0) === extra) continue;
      if (extra === 0) this.#extra.delete(row.entry.id);
      else this.#extra.set(row.entry.id, extra);
      changed.push([row, extra]);
    }
    return changed;
  }
}
