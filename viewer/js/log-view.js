/**
 * `LogView`: the list of entries as a virtual list. It owns what is inside its element and nothing else.
 *
 * Theory of operation. The stream's window may hold ten thousand entries; the page has as many rows as fit, and some.
 * A change only marks the view as dirty; once per frame `flush` looks at the window, decides where the reader is, and
 * shows the rows that belong there. Rows stay in order in the page (a selection needs that) and move from one end to
 * the other when the reader scrolls.
 *
 * Following is the reader's intention, not a measurement: scrolling up ends it, scrolling down to the end begins it,
 * and rows that come in never change it. A reader who does not follow keeps the row they look at, whatever joins or
 * leaves above it.
 */

import { element } from "./view/dom.js";
import { Edges } from "./view/edges.js";
import { highlight } from "./view/highlight.js";
import { listenTo } from "./view/log-input.js";
import { ReadingPlace } from "./view/reading-place.js";
import { RowHeights } from "./view/row-heights.js";
import { RowPool } from "./view/row-pool.js";
import { TopStrip } from "./view/top-strip.js";

/** Height of a folded row in pixels; css/log-view.css has the same number. */
export const ROW_HEIGHT = 21;

const IGNORE = () => {};
const lineNumberOf = (entry) => entry.line_number;

export class LogView {
  #scroller;
  #space;
  #list;
  #strip;
  #edges;
  #rows;
  #heights = new RowHeights(ROW_HEIGHT);
  #frame = 0;
  #place;
  #sent = false; // to another row, with the next frame
  #seen = 0;
  #opened = null; // id of an entry whose details are to be brought into sight
  #arrived = 0;
  #display = { version: 0 };
  #marks = new Map(); // id -> what lies before this entry: a gap, a reconnect
  #stopListening;

  /**
   * @param {HTMLElement} container takes the list; needs a height of its own
   * @param {object} source a `LogStream`, or what has its properties
   * @param {object} [options] `onChange()` is told when following, the place or the active row changes;
   *   `numberOf(entry)` gives the gutter's number; `onPoint(entry, extend)` is told of a click on it
   */
  constructor(container, source, { onChange = IGNORE, numberOf = lineNumberOf, onPoint = IGNORE } = {}) {
    this.source = source;
    this.onChange = onChange;
    this.numberOf = numberOf;
    this.onPoint = onPoint;
    this.activeId = null;
    this.pointed = null; // {from, to}: lines of the job that are pointed at
    this.search = ""; // shown wherever it occurs
    this.#build(container);
  }

  /** Whether the list goes with the newest entry. */
  get following() {
    return this.source.following;
  }

  /** How many entries have come since the reader left the end; null when that is not known. */
  get newCount() {
    if (this.following && !this.source.paused) return 0;
    const now = this.source.displayedCount;
    return now === null ? this.#arrived : Math.max(0, now - this.#seen);
  }

  /** Whether the newest entry is in sight. */
  get atEnd() {
    return !this.source.hasNewer && this.#place.atEnd;
  }

  /** The window has changed; `fresh` entries have come. Shown with the next frame. */
  update(fresh = 0) {
    this.#arrived += fresh;
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  /** The window was replaced: begin at its end. */
  reset() {
    this.#follow(true);
    this.update();
  }

  /** How rows are shown: `wrap`, and the time column's `time`, `utc`, `start` (see lib/time-modes.js). */
  setDisplay(display) {
    this.#display = { ...this.#display, ...display, version: this.#display.version + 1 };
    this.#scroller.classList.toggle("is-wrapped", Boolean(this.#display.wrap));
    this.#heights.forget();
    this.update();
  }

  /** Show a line before this entry that says what lies there. */
  mark(id, words) {
    this.#marks.set(id, words);
    this.update();
  }

  /** Go to the newest entry, and stay there. */
  jumpToLatest() {
    this.source.jumpToLatest();
    this.activeId = null;
    this.#follow(true);
    this.update();
  }

  /** From now on, count what is new: the stream was paused. */
  markSeen() {
    this.#seen = this.source.displayedCount ?? 0;
    this.#arrived = 0;
  }

  /** Show or hide the details of an entry; the reader stays where they are. */
  toggle(id) {
    if (this.#heights.toggle(id)) this.#opened = id;
    this.#follow(false);
    this.update();
  }

  /** Make the row with this index the active one, and bring it into sight; `centre`: with rows around it. */
  activate(index, centre = false) {
    const { logs, base } = this.source;
    if (logs.length === 0) return;
    const at = Math.min(logs.length - 1, Math.max(0, index));
    this.activeId = logs[at].id;
    this.#follow(false);
    this.#heights.arrange(this.source);
    this.#place.reveal(at, base, centre);
    this.#sent = true;
    this.update();
  }

  /** The index in `logs` of the active row; -1 when there is none. */
  get activeIndex() {
    return this.activeId === null ? -1 : this.source.indexOf(this.activeId);
  }

  /** Indices of the first and the last row in sight. */
  get visibleRange() {
    return this.#place.visible(this.source.logs.length);
  }

  /** The row that has this element in it. */
  rowAt(target) {
    return this.#rows.rowAt(target);
  }

  /** Stay where the reader goes, whatever comes. */
  stopFollowing() {
    this.#follow(false);
  }

  /** The reader has turned away from the end. */
  leaveEnd() {
    if (this.#place.top > 0) this.#follow(false);
  }

  scrolledTo(top) {
    // The browser tells of its own clamping, and of ours, a frame later: the reader may have been sent elsewhere.
    if (this.#sent) return;
    const down = top > this.#place.top;
    const up = top < this.#place.top - 1;
    this.#place.top = top;
    if (up && !this.atEnd) this.#follow(false);
    else if (down && this.atEnd) this.#follow(true);
    this.#place.anchorAt(top, this.source.base);
    this.update();
    this.onChange();
  }

  resized() {
    this.#place.viewport = this.#scroller.clientHeight;
    if (this.#display.wrap) this.#heights.forget();
    this.update();
  }

  focus() {
    this.#scroller.focus();
  }

  /** Take the list out of the page. */
  destroy() {
    cancelAnimationFrame(this.#frame);
    this.#stopListening();
    highlight([], "");
    this.#scroller.remove();
  }

  #build(container) {
    this.#strip = new TopStrip(() => this.#edges.loadOlder());
    this.#place = new ReadingPlace(this.#heights.layout, this.#strip.height);
    this.#edges = new Edges(this.source, this.#strip, () => this.update());
    this.#list = element("div", "log-rows");
    this.#list.setAttribute("role", "list");
    this.#rows = new RowPool(this.#list);
    this.#space = element("div", "log-space", this.#strip.element, this.#list);
    this.#scroller = element("div", "log-scroller", this.#space);
    this.#scroller.tabIndex = 0;
    this.#scroller.setAttribute("x-ignore", ""); // nothing in here is Alpine's
    this.#scroller.setAttribute("role", "group");
    this.#scroller.setAttribute("aria-label", "Log entries");
    container.append(this.#scroller);
    this.#place.viewport = this.#scroller.clientHeight;
    this.#stopListening = listenTo(this.#scroller, this.#list, this);
  }

  #follow(follow) {
    if (follow === this.source.following) return;
    this.source.following = follow;
    this.markSeen();
    this.onChange();
  }

  #flush() {
    this.#frame = 0;
    const { logs, base } = this.source;
    this.#heights.arrange(this.source);
    this.#strip.show(this.source, logs.length);
    const top = this.#place.settle(base, logs.length, this.following);
    this.#sent = false;
    this.#space.style.height = `${this.#place.height}px`;
    if (top !== null) this.#scroller.scrollTop = top;
    const [first, last] = this.#place.range(logs.length);
    this.#showRows(logs, first, last);
    this.#list.style.transform = `translateY(${this.#place.topOf(first)}px)`;
    this.#measure();
    if (!this.following) this.#edges.approach(first, last, logs.length);
  }

  #showRows(logs, first, last) {
    const size = this.source.hasOlder ? -1 : logs.length; // -1: more than can be told
    const { from = Infinity, to = 0 } = this.pointed ?? {};
    this.#rows.show(logs, first, last, (entry) => ({
      number: this.numberOf(entry),
      open: this.#heights.isOpen(entry.id),
      active: entry.id === this.activeId,
      pointed: entry.job_line >= from && entry.job_line <= to,
      mark: this.#marks.get(entry.id),
      display: this.#display,
      size,
    }));
    const active = this.#rows.rowOf(this.activeId);
    if (active) this.#scroller.setAttribute("aria-activedescendant", active.element.id);
    else this.#scroller.removeAttribute("aria-activedescendant");
    highlight(this.#rows.all, this.search);
  }

  /** Rows that are not one line high are as high as they are; what was not reckoned with needs another frame. */
  #measure() {
    const changed = this.#heights.measure(this.#display.wrap ? this.#rows.all : this.#rows.open);
    for (const [row, extra] of changed) if (row.entry.id === this.#opened) this.#reveal(row, extra);
    if (changed.length > 0) this.update();
  }

  /** Bring the details of a row into sight that was opened near the lower edge; its line stays in sight, too. */
  #reveal(row, extra) {
    this.#opened = null;
    const top = this.#place.topOf(this.source.indexOf(row.entry.id));
    const wanted = Math.min(top, top + ROW_HEIGHT + extra - this.#place.viewport);
    if (wanted > this.#place.top) this.#place.anchorAt(wanted, this.source.base);
  }
}
