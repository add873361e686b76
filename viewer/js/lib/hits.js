/** Where a text occurs in a whole log, and which of these places the reader is at. Pure. */

import { formatCount } from "./format.js";

export class Hits {
  /** @param {{hits: Array<[number, number]>, complete: boolean}} found [id, line] each, oldest first */
  constructor({ hits = [], complete = true } = {}) {
    this.hits = hits;
    this.complete = complete;
    this.at = -1;
  }

  get count() {
    return this.hits.length;
  }

  /** The id of the hit the reader is at, or null. */
  get id() {
    return this.hits[this.at]?.[0] ?? null;
  }

  /** Take newer findings; the reader stays where they are. */
  renew(found) {
    const { id } = this;
    this.hits = found.hits;
    this.complete = found.complete;
    this.at = id === null ? -1 : this.hits.findIndex(([each]) => each === id);
  }

  /**
   * Go to the next hit (direction 1) or the one before (-1), round the ends; returns its id. `from`: the id where the
   * reader is, for the first move.
   */
  move(direction, from = null) {
    if (this.count === 0) return null;
    if (this.at < 0 && from !== null) {
      const behind = this.hits.findIndex(([id]) => id >= from);
      const start = behind < 0 ? this.count : behind;
      this.at = direction > 0 ? start % this.count : (start - 1 + this.count) % this.count;
    } else {
      this.at = (this.at + direction + this.count) % this.count;
    }
    return this.id;
  }

  /** `3 of 41`, `41 hits`, `10,000+ hits`, `No hits`. */
  get words() {
    const many = `${formatCount(this.count)}${this.complete ? "" : "+"}`;
    if (this.count === 0) return "No hits";
    return this.at >= 0 ? `${formatCount(this.at + 1)} of ${many}` : `${many} ${this.count === 1 ? "hit" : "hits"}`;
  }
}
