/** Where the reader of a list is: at a row, and so many pixels below its upper edge. Arithmetic only, no page. */

/** Rows made above and below what is visible, so that a quick scroll shows no blank. */
const OVERSCAN = 12;

export class ReadingPlace {
  #layout;
  #strip; // height of what lies above the first row
  #anchor = { index: 0, offset: 0 };

  constructor(layout, stripHeight) {
    this.#layout = layout;
    this.#strip = stripHeight;
    this.top = 0; // of what is in sight, from the top of everything
    this.viewport = 0; // its height
    this.height = 0; // of everything
    this.base = 0; // index of the first row that was held when the rows were shown last
  }

  /** Whether the last row is in sight. */
  get atEnd() {
    return this.top + this.viewport >= this.height - this.#layout.rowHeight * 1.5;
  }

  /** Distance of a row's upper edge from the top of everything. */
  topOf(index) {
    return this.#strip + this.#layout.top(index);
  }

  /** Indices of the first and the last row in sight, of `count`. */
  visible(count) {
    const from = this.#layout.indexAt(this.top - this.#strip);
    const to = this.#layout.indexAt(this.top + this.viewport - this.#strip) - 1;
    return [Math.min(count - 1, Math.max(0, from)), Math.min(count - 1, Math.max(0, to))];
  }

  /** The rows to make: those in sight, and some. */
  range(count) {
    const first = Math.max(0, this.#layout.indexAt(this.top - this.#strip) - OVERSCAN);
    const last = Math.min(count, this.#layout.indexAt(this.top - this.#strip + this.viewport) + 1 + OVERSCAN);
    return [Math.min(first, count), last];
  }

  /**
   * From now on the reader is at this distance among the rows that are shown. Others may have joined since; they have
   * moved nothing yet.
   */
  anchorAt(top, base = this.base) {
    const distance = top - this.#strip;
    const index = this.#layout.indexAt(distance);
    this.#anchor = { index: base + index, offset: distance - this.#layout.top(index) };
  }

  /** Bring the row with this index into sight; `centre`: with rows around it. */
  reveal(index, base, centre) {
    const top = this.topOf(index);
    const bottom = top + this.#layout.rowHeight * 2;
    const inSight = top >= this.top && bottom <= this.top + this.viewport;
    if (inSight) return;
    if (centre) this.anchorAt(top - this.viewport / 3, base);
    else if (top < this.top) this.#anchor = { index: base + index, offset: 0 };
    else this.anchorAt(bottom - this.viewport, base);
  }

  /** Rows have joined or left: return where the reader belongs now, at the end or at the row they look at. */
  settle(base, count, following) {
    this.base = base;
    this.height = this.#strip + this.#layout.height(count);
    const end = Math.max(0, this.height - this.viewport);
    const wanted = following ? end : this.topOf(this.#anchor.index - base) + this.#anchor.offset;
    const top = Math.min(end, Math.max(0, Math.round(wanted)));
    const moved = Math.abs(top - this.top) >= 1 || following;
    this.top = top;
    if (following) this.anchorAt(top, base);
    return moved ? top : null;
  }
}
