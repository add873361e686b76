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

import { RowLayout } from "./lib/row-layout.js";
import { element } from "./view/dom.js";
import { Edges } from "./view/edges.js";
import { LogKeys } from "./view/log-keys.js";
import { RowPool } from "./view/row-pool.js";
import { TopStrip } from "./view/top-strip.js";

/** Height of a folded row in pixels; css/log-view.css has the same number. */
export const ROW_HEIGHT = 21;

/** Rows made above and below what is visible, so that a quick scroll shows no blank. */
const OVERSCAN = 12;

export class LogView {
  #scroller;
  #space;
  #list;
  #strip;
  #edges;
  #rows;
  #layout = new RowLayout(ROW_HEIGHT);
  #unfolded = new Map(); // id -> extra height
  #frame = 0;
  #anchor = { index: 0, offset: 0 };
  #lastTop = 0;
  #viewport = 0;
  #height = 0;
  #seen = 0;
  #opened = null; // id of an entry whose details are to be brought into sight
  #arrived = 0;
  #cleanup = [];

  /**
   * @param {HTMLElement} container takes the list; needs a height of its own
   * @param {object} source a `LogStream`, or what has its properties
   * @param {{onChange?: () => void, numberOf?: (entry: object) => number | undefined}} [options] `onChange` is told
   *   when following or the active row changes; `numberOf` gives the gutter's number
   */
  constructor(container, source, { onChange = () => {}, numberOf = (entry) => entry.line_number } = {}) {
    this.source = source;
    this.onChange = onChange;
    this.numberOf = numberOf;
    this.activeId = null;
    this.#build(container);
    this.#listen();
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
    return !this.source.hasNewer && this.#lastTop + this.#viewport >= this.#height - ROW_HEIGHT * 1.5;
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
    if (!this.#unfolded.delete(id)) {
      this.#unfolded.set(id, 0);
      this.#opened = id;
    }
    this.#follow(false);
    this.update();
  }

  /** Make the row with this index the active one, and bring it into sight. */
  activate(index) {
    const { logs, base } = this.source;
    if (logs.length === 0) return;
    const at = Math.min(logs.length - 1, Math.max(0, index));
    this.activeId = logs[at].id;
    this.#follow(false);
    const top = this.#strip.height + this.#layout.top(at);
    const bottom = top + ROW_HEIGHT * 2;
    if (top < this.#lastTop) this.#anchor = { index: base + at, offset: 0 };
    else if (bottom > this.#lastTop + this.#viewport) this.#anchorAt(bottom - this.#viewport, base);
    this.update();
  }

  /** The index in `logs` of the active row; -1 when there is none. */
  get activeIndex() {
    return this.activeId === null ? -1 : this.source.indexOf(this.activeId);
  }

  /** Indices of the first and the last row in sight. */
  get visibleRange() {
    const from = this.#layout.indexAt(this.#lastTop - this.#strip.height);
    const to = this.#layout.indexAt(this.#lastTop + this.#viewport - this.#strip.height) - 1;
    const last = this.source.logs.length - 1;
    return [Math.min(last, Math.max(0, from)), Math.min(last, Math.max(0, to))];
  }

  /** Take the list out of the page. */
  destroy() {
    cancelAnimationFrame(this.#frame);
    for (const undo of this.#cleanup) undo();
    this.#scroller.remove();
  }

  #build(container) {
    this.#strip = new TopStrip(() => this.#edges.loadOlder());
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
    this.#viewport = this.#scroller.clientHeight;
  }

  #listen() {
    const on = (target, name, listener, options) => {
      target.addEventListener(name, listener, options);
      this.#cleanup.push(() => target.removeEventListener(name, listener, options));
    };
    on(this.#scroller, "scroll", () => this.#onScroll(), { passive: true });
    on(this.#scroller, "wheel", (event) => this.#onWheel(event), { passive: true });
    on(this.#list, "click", (event) => this.#onClick(event));
    on(document, "selectionchange", () => this.#onSelection());
    const keys = new LogKeys(this);
    on(this.#scroller, "keydown", (event) => keys.onKey(event));
    const observer = new ResizeObserver(() => {
      this.#viewport = this.#scroller.clientHeight;
      this.update();
    });
    observer.observe(this.#scroller);
    this.#cleanup.push(() => observer.disconnect());
  }

  #follow(follow) {
    if (follow === this.source.following) return;
    this.source.following = follow;
    this.markSeen();
    this.onChange();
  }

  #onScroll() {
    const top = this.#scroller.scrollTop;
    const down = top > this.#lastTop;
    const up = top < this.#lastTop - 1;
    this.#lastTop = top;
    if (up && !this.atEnd) this.#follow(false);
    else if (down && this.atEnd) this.#follow(true);
    this.#anchorAt(top, this.source.base);
    this.update();
    this.onChange();
  }

  /** Told before the list has moved: a flush in between would pull the reader back to the end. */
  #onWheel(event) {
    if (event.deltaY < 0 && this.#lastTop > 0) this.#follow(false);
  }

  #anchorAt(top, base) {
    const distance = top - this.#strip.height;
    const index = this.#layout.indexAt(distance);
    this.#anchor = { index: base + index, offset: distance - this.#layout.top(index) };
  }

  #onClick(event) {
    const row = this.#rows.rowAt(event.target);
    const inDetails = event.target.closest(".log-details");
    if (!row || inDetails || !document.getSelection().isCollapsed) return;
    this.activeId = row.entry.id;
    this.toggle(row.entry.id);
  }

  /** Whoever selects text wants it to stay where it is. */
  #onSelection() {
    const selection = document.getSelection();
    if (!this.following || selection.isCollapsed || !this.#list.contains(selection.anchorNode)) return;
    this.#follow(false);
  }

  #flush() {
    this.#frame = 0;
    const { logs, base } = this.source;
    this.#layout.setUnfolded(this.#unfoldedIndices());
    this.#strip.show(this.source, logs.length);
    this.#height = this.#strip.height + this.#layout.height(logs.length);
    this.#space.style.height = `${this.#height}px`;
    this.#place(base);
    const [first, last] = this.#range(logs.length);
    this.#showRows(logs, first, last);
    this.#list.style.transform = `translateY(${this.#strip.height + this.#layout.top(first)}px)`;
    this.#measure();
    if (!this.following) this.#edges.approach(first, last, logs.length);
  }

  #unfoldedIndices() {
    return [...this.#unfolded].map(([id, extra]) => [this.source.indexOf(id), extra]).filter(([index]) => index >= 0);
  }

  /** Put the reader where they want to be: at the end, or at the row they look at. */
  #place(base) {
    const end = Math.max(0, this.#height - this.#viewport);
    const { index, offset } = this.#anchor;
    const wanted = this.following ? end : this.#strip.height + this.#layout.top(index - base) + offset;
    const top = Math.min(end, Math.max(0, Math.round(wanted)));
    if (Math.abs(top - this.#lastTop) >= 1 || this.following) this.#scroller.scrollTop = top;
    this.#lastTop = top;
    if (this.following) this.#anchorAt(top, base);
  }

  #range(count) {
    const top = this.#lastTop - this.#strip.height;
    const first = Math.max(0, this.#layout.indexAt(top) - OVERSCAN);
    const last = Math.min(count, this.#layout.indexAt(top + this.#viewport) + 1 + OVERSCAN);
    return [Math.min(first, count), last];
  }

  #showRows(logs, first, last) {
    const size = this.source.hasOlder ? -1 : logs.length; // -1: more than can be told
    this.#rows.show(logs, first, last, (entry) => ({
      number: this.numberOf(entry),
      open: this.#unfolded.has(entry.id),
      active: entry.id === this.activeId,
      size,
    }));
    const active = this.#rows.rowOf(this.activeId);
    if (active) this.#scroller.setAttribute("aria-activedescendant", active.element.id);
    else this.#scroller.removeAttribute("aria-activedescendant");
  }

  /** Unfolded rows are as high as they are; a height that is not what was reckoned with needs another frame. */
  #measure() {
    for (const row of this.#rows.open) {
      const extra = row.element.offsetHeight - ROW_HEIGHT;
      if (this.#unfolded.get(row.entry.id) === extra) continue;
      this.#unfolded.set(row.entry.id, extra);
      if (row.entry.id === this.#opened) this.#reveal(row, extra);
      this.update();
    }
  }

  /** Bring the details of a row into sight that was opened near the lower edge; its line stays in sight, too. */
  #reveal(row, extra) {
    this.#opened = null;
    const top = this.#strip.height + this.#layout.top(this.source.indexOf(row.entry.id));
    const wanted = Math.min(top, top + ROW_HEIGHT + extra - this.#viewport);
    if (wanted > this.#lastTop) this.#anchorAt(wanted, this.source.base);
  }
}
