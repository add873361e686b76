/**
 * What rows show besides their entries: numbers, times, marks of what lies between them, lines that are pointed at,
 * where a text occurs; and how high they turn out to be.
 */

import { highlight } from "./highlight.js";
import { RowPool } from "./row-pool.js";

export class RowPainter {
  search = ""; // shown wherever it occurs
  pointed = null; // {from, to}: lines of the job that are pointed at
  #scroller;
  #rows;
  #heights;
  #numberOf;
  #display = { version: 0 };
  #marks = new Map(); // id -> what lies before this entry: a gap, a reconnect

  /**
   * @param {{scroller: HTMLElement, list: HTMLElement}} frame
   * @param {import("./row-heights.js").RowHeights} heights
   * @param {(entry: object) => number} numberOf gives the gutter's number
   */
  constructor({ scroller, list }, heights, numberOf) {
    this.#scroller = scroller;
    this.#rows = new RowPool(list);
    this.#heights = heights;
    this.#numberOf = numberOf;
  }

  get wrapped() {
    return Boolean(this.#display.wrap);
  }

  setDisplay(display) {
    this.#display = { ...this.#display, ...display, version: this.#display.version + 1 };
    this.#scroller.classList.toggle("is-wrapped", this.wrapped);
    this.#heights.forget();
  }

  mark(id, words) {
    this.#marks.set(id, words);
  }

  /** The row that has this element in it. */
  rowAt(target) {
    return this.#rows.rowAt(target);
  }

  /** Entries of the rows that a selection touches. */
  entriesIn(selection) {
    return this.#rows.entriesIn(selection);
  }

  /** Show `logs[first]` up to, without, `logs[last]`; `size`: how many there are in all, -1: nobody knows. */
  show(logs, [first, last], size, activeId) {
    const { from = Infinity, to = 0 } = this.pointed ?? {};
    this.#rows.show(logs, first, last, (entry) => ({
      number: this.#numberOf(entry),
      open: this.#heights.isOpen(entry.id),
      active: entry.id === activeId,
      pointed: entry.job_line >= from && entry.job_line <= to,
      mark: this.#marks.get(entry.id),
      display: this.#display,
      size,
    }));
    const active = this.#rows.rowOf(activeId);
    if (active) this.#scroller.setAttribute("aria-activedescendant", active.element.id);
    else this.#scroller.removeAttribute("aria-activedescendant");
    highlight(this.#rows.all, this.search);
  }

  /** Measure the rows that may be higher than one line; returns those of another height than was reckoned with. */
  measure() {
    return this.#heights.measure(this.wrapped ? this.#rows.all : this.#rows.open);
  }

  destroy() {
    highlight([], "");
  }
}
