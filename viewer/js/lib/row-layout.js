/**
 * Where rows lie: all of one height, but for the few that are unfolded. Pure arithmetic.
 *
 * Unfolded rows are some, rows are thousands: a sum over the unfolded ones is quicker than any index.
 */

export class RowLayout {
  #unfolded = []; // [index, extra height], by index

  /** @param {number} rowHeight height of a folded row in pixels */
  constructor(rowHeight) {
    this.rowHeight = rowHeight;
  }

  /** @param {Array<[number, number]>} unfolded index and extra height of each unfolded row, in any order */
  setUnfolded(unfolded) {
    this.#unfolded = unfolded.toSorted(([one], [other]) => one - other);
  }

  /** Distance of a row's upper edge from that of row 0. */
  top(index) {
    let top = index * this.rowHeight;
    for (const [at, extra] of this.#unfolded) {
      if (at >= index) break;
      top += extra;
    }
    return top;
  }

  /** Height of the first `count` rows. */
  height(count) {
    return this.top(count);
  }

  /** The row that lies at this distance; rows before 0 and behind the last one are the caller's affair. */
  indexAt(distance) {
    let extras = 0;
    for (const [at, extra] of this.#unfolded) {
      const top = at * this.rowHeight + extras;
      if (distance < top + this.rowHeight) break;
      if (distance < top + this.rowHeight + extra) return at;
      extras += extra;
    }
    return Math.floor((distance - extras) / this.rowHeight);
  }
}
