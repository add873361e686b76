/**
 * The rows that exist: as many as are in sight, and some. They stay in the order of their entries in the page (a
 * selection needs that), and those whose entry stays in sight keep it: they only move from one end to the other.
 */

import { LogRow } from "./log-row.js";

let made = 0;

export class RowPool {
  #rows = [];
  #list;

  /** @param {HTMLElement} list takes the rows */
  constructor(list) {
    this.#list = list;
  }

  /** Rows that show their details. */
  get open() {
    return this.#rows.filter((row) => row.open);
  }

  /** Every row that exists. */
  get all() {
    return this.#rows;
  }

  /** The row that shows the entry with this id. */
  rowOf(id) {
    return this.#rows.find((row) => row.entry.id === id);
  }

  /** The row that has this element in it. */
  rowAt(target) {
    return this.#rows.find((row) => row.element.contains(target));
  }

  /** Entries of the rows that a selection touches, in order. */
  entriesIn(selection) {
    return this.#rows.filter((row) => selection.containsNode(row.element, true)).map((row) => row.entry);
  }

  /** Show `logs[first]` up to, without, `logs[last]`; `facts(entry)` gives what a row says besides its entry. */
  show(logs, first, last, facts) {
    this.#recycle(logs, first, Math.max(0, last - first));
    this.#rows.forEach((row, at) => {
      const entry = logs[first + at];
      row.show(entry, { ...facts(entry), position: first + at + 1 });
    });
  }

  #recycle(logs, first, count) {
    while (this.#rows.length > count) this.#rows.pop().element.remove();
    const kept = this.#rows.findIndex((row) => row.entry === logs[first]);
    if (kept > 0) this.#moveDown(kept);
    else if (kept < 0) this.#moveUp(logs, first);
    while (this.#rows.length < count) this.#add();
  }

  /** The reader went down: the first rows come last. */
  #moveDown(count) {
    const moved = this.#rows.splice(0, count);
    this.#rows.push(...moved);
    this.#list.append(...moved.map((row) => row.element));
  }

  /** The reader went up: if the first entry is still in sight, the rows behind it come first. */
  #moveUp(logs, first) {
    const head = this.#rows[0]?.entry;
    for (let at = 1; at < this.#rows.length; at += 1) {
      if (logs[first + at] !== head) continue;
      const moved = this.#rows.splice(this.#rows.length - at);
      this.#rows.unshift(...moved);
      this.#list.prepend(...moved.map((row) => row.element));
      return;
    }
  }

  #add() {
    const row = new LogRow(`log-row-${(made += 1)}`);
    this.#rows.push(row);
    this.#list.append(row.element);
  }
}
