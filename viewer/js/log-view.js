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

import { Edges } from "./view/edges.js";
import { buildFrame } from "./view/log-frame.js";
import { listenTo } from "./view/log-input.js";
import { NewEntries } from "./view/new-entries.js";
import { ReadingPlace } from "./view/reading-place.js";
import { RowHeights } from "./view/row-heights.js";
import { RowPainter } from "./view/row-painter.js";
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
  #painter;
  #heights = new RowHeights(ROW_HEIGHT);
  #frame = 0;
  #place;
  #sent = false; // to another row, with the next frame
  #opened = null; // id of an entry whose details are to be brought into sight
  #news;
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
    this.onPoint = onPoint;
    this.activeId = null;
    this.selected = [];
    this.#news = new NewEntries(source);
    this.#strip = new TopStrip(() => this.#edges.loadOlder());
    this.#place = new ReadingPlace(this.#heights.layout, this.#strip.height);
    this.#edges = new Edges(source, this.#strip, () => this.update());
    const frame = buildFrame(container, this.#strip.element);
    ({ scroller: this.#scroller, space: this.#space, list: this.#list } = frame);
    this.#painter = new RowPainter(frame, this.#heights, numberOf);
    // How high it is, is told by its observer with the first frame: asking now would lay out a page half made.
    this.#stopListening = listenTo(this.#scroller, this.#list, this);
  }

  /** Point at lines of the job: `{from, to}`, or null. */
  set pointed(lines) {
    this.#painter.pointed = lines;
  }

  /** Show this text wherever it occurs. */
  set search(text) {
    this.#painter.search = text;
  }

  /** Whether the list goes with the newest entry. */
  get following() {
    return this.source.following;
  }

  /** How many entries have come since the reader left the end. */
  get newCount() {
    return this.#news.count;
  }

  /** Whether the newest entry is in sight. */
  get atEnd() {
    return !this.source.hasNewer && this.#place.atEnd;
  }

  /** The window has changed; `fresh` entries have come. Shown with the next frame. */
  update(fresh = 0) {
    this.#news.note(fresh);
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  /** The window was replaced: begin at its end. */
  reset() {
    this.#follow(true);
    this.update();
  }

  /** How rows are shown: `wrap`, and the time column's `time`, `utc`, `start` (see lib/time-modes.js). */
  setDisplay(display) {
    this.#painter.setDisplay(display);
    this.update();
  }

  /** Show a line before this entry that says what lies there. */
  mark(id, words) {
    this.#painter.mark(id, words);
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
    this.#news.begin();
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
    this.#place.viewport ||= this.#scroller.clientHeight; // no frame yet: a tab in the background
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
    const { logs, base } = this.source;
    const joined = this.#place.base - base; // above, since the rows were shown
    return this.#place.visible(logs.length).map((at) => Math.min(logs.length - 1, Math.max(0, at + joined)));
  }

  /** The row that has this element in it. */
  rowAt(target) {
    return this.#painter.rowAt(target);
  }

  /** The reader has selected text in the list, or has given that up; `selected` are the entries it touches. */
  select(selection) {
    this.selected = selection ? this.#painter.entriesIn(selection) : [];
    if (selection) this.leaveEnd();
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
    this.#place.anchorAt(top);
    this.update();
    this.onChange();
  }

  resized() {
    this.#place.viewport = this.#scroller.clientHeight;
    if (this.#painter.wrapped) this.#heights.forget();
    this.update();
  }

  focus() {
    this.#scroller.focus();
  }

  /** Take the list out of the page. */
  destroy() {
    cancelAnimationFrame(this.#frame);
    this.#stopListening();
    this.#painter.destroy();
    this.#scroller.remove();
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
    this.#painter.show(logs, [first, last], this.source.hasOlder ? -1 : logs.length, this.activeId);
    this.#list.style.transform = `translateY(${this.#place.topOf(first)}px)`;
    this.#measure();
    if (!this.following) this.#edges.approach(first, last, logs.length);
  }

  /** Rows that are not one line high are as high as they are; what was not reckoned with needs another frame. */
  #measure() {
    const changed = this.#painter.measure();
    for (const [row, extra] of changed) if (row.entry.id === this.#opened) this.#reveal(row, extra);
    if (changed.length > 0) this.update();
  }

  /** Bring the details of a row into sight that was opened near the lower edge; its line stays in sight, too. */
  #reveal(row, extra) {
    this.#opened = null;
    const top = this.#place.topOf(this.source.indexOf(row.entry.id));
    const wanted = Math.min(top, top + ROW_HEIGHT + extra - this.#place.viewport);
    if (wanted > this.#place.top) this.#place.anchorAt(wanted);
  }
}
