/**
 * The bounded window of entries that a reader holds. Pure: no clock, no network, no page.
 *
 * Theory of operation. `entries` is what the reader sees: in the order of ids, never with a hole, never more than
 * `capacity`. As long as the reader is at the end, new entries join it and the oldest leave it, a chunk at a time.
 * A reader who has scrolled up, or has paused, must not have rows pulled away: then new entries gather in `held`,
 * bounded, too. When `held` overflows it forgets its own oldest, and `torn` says that entries are missing between the
 * two parts; they are in the store and come back over `extend`. So nothing is lost, and nothing grows.
 *
 * Rows have an absolute index that stays the same while others join or leave: `base + position`.
 */

export const DEFAULT_CAPACITY = 10_000;

/** The share of the capacity that leaves at once: one in a thousand would copy the array for every batch. */
const CHUNKS = 10;

export class LogWindow {
  /** @param {number} [capacity] most entries to hold */
  constructor(capacity = DEFAULT_CAPACITY) {
    this.capacity = Math.max(1, capacity);
    this.chunk = Math.floor(this.capacity / CHUNKS);
    this.reset();
  }

  /** Forget everything, the place in the order included. */
  reset() {
    this.entries = [];
    this.held = [];
    this.torn = false;
    this.base = 0;
    this.newestId = 0;
    this.hasOlder = false;
  }

  /** Forget the entries, but not the place: what was cleared does not come back by itself. */
  clear() {
    const had = this.entries.length + this.held.length > 0;
    this.base += this.entries.length;
    this.entries = [];
    this.held = [];
    this.torn = false;
    this.hasOlder ||= had;
  }

  /** Whether newer entries are known than the last of `entries`. */
  get detached() {
    return this.torn || this.held.length > 0;
  }

  /** The id before which older entries are to be asked for. */
  get oldestId() {
    return this.entries.length > 0 ? this.entries[0].id : this.newestId + 1;
  }

  /**
   * Take what came over the stream and return the new ones of it; what is known already is dropped, by id.
   *
   * @param {object[]} list oldest first
   * @param {{hold?: boolean, following?: boolean}} [reader] `hold`: leave `entries` as it is; `following`: the
   *   reader is at the end, so that the oldest may go
   */
  append(list, { hold = false, following = true } = {}) {
    const fresh = this.#newerThanKnown(list);
    if (fresh.length === 0) return fresh;
    if (hold || this.detached) {
      this.held = this.held.concat(fresh);
      this.#trimHeld();
    } else {
      this.entries = this.entries.concat(fresh);
      if (following) this.#trimStart();
      else this.#moveEndToHeld();
    }
    return fresh;
  }

  /** Put older entries (oldest first) before the others; return how many were new. */
  prepend(list) {
    const before = this.oldestId;
    const older = list.filter((entry) => entry.id < before);
    if (older.length === 0) return 0;
    this.newestId = Math.max(this.newestId, older.at(-1).id);
    this.entries = older.concat(this.entries);
    this.base -= older.length;
    this.#moveEndToHeld();
    return older.length;
  }

  /** Take entries that follow the last one (oldest first), fetched to close the tear; return how many were new. */
  extend(list) {
    const last = this.entries.at(-1)?.id ?? 0;
    const firstHeld = this.held[0]?.id ?? Infinity;
    const next = list.filter((entry) => entry.id > last && entry.id < firstHeld);
    this.entries = this.entries.concat(next);
    this.newestId = Math.max(this.newestId, this.entries.at(-1)?.id ?? 0);
    this.#trimStart();
    return next.length;
  }

  /** No entry is missing any more before the held ones. */
  mend() {
    this.torn = false;
  }

  /** Let the next chunk of held entries join: the reader scrolls down towards the end. */
  advance() {
    if (this.torn) return 0;
    const next = this.held.splice(0, Math.max(1, this.chunk));
    this.entries = this.entries.concat(next);
    this.#trimStart();
    return next.length;
  }

  /** Go to the end: held entries join, or take the place of older ones when entries are missing between them. */
  release() {
    if (this.torn) {
      this.base += this.entries.length;
      this.entries = this.held;
      this.hasOlder = true;
    } else {
      this.entries = this.entries.concat(this.held);
    }
    this.held = [];
    this.torn = false;
    this.#trimStart();
  }

  /**
   * The stream went on behind entries that were not sent, up to the id `to`. A reader at the end goes with it; any
   * other keeps what they read. What was left out is older then, and comes with `loadOlder`.
   */
  skip(to, { hold = false, following = true } = {}) {
    this.newestId = Math.max(this.newestId, to);
    if (following && !hold && !this.detached) {
      this.base += this.entries.length;
      this.entries = [];
      this.hasOlder = true;
    } else {
      this.held = [];
      this.torn = true;
    }
  }

  /**
   * Show another part of the log: `list`, oldest first, around a place. The newest entries are kept for the way back;
   * what lies between comes with `extend`.
   */
  jump(list, hasOlder) {
    const end = this.detached ? this.held : this.entries.slice(-Math.max(1, this.chunk));
    const older = end.length > 0 && list.length > 0 && list.at(-1).id < end[0].id;
    const newer = end.length > 0 && list.length > 0 && list[0].id > end.at(-1).id;
    this.torn = older || newer;
    this.held = older ? end : [];
    this.entries = this.torn ? list.slice() : merged(list, end);
    this.newestId = Math.max(this.newestId, list.at(-1)?.id ?? 0);
    this.hasOlder = hasOlder;
  }

  /** The position of the last entry with an id up to this one; -1 when all are later. */
  positionOf(id) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle].id <= id) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The position of the entry with this id in `entries`, or -1. */
  indexOf(id) {
    const at = this.positionOf(id);
    return this.entries[at]?.id === id ? at : -1;
  }

  #newerThanKnown(list) {
    const fresh = [];
    for (const entry of list) {
      if (entry.id <= this.newestId) continue;
      this.newestId = entry.id;
      fresh.push(entry);
    }
    return fresh;
  }

  #trimStart() {
    if (this.entries.length <= this.capacity) return;
    const surplus = this.entries.length - this.capacity + this.chunk;
    this.entries = this.entries.slice(surplus);
    this.base += surplus;
    this.hasOlder = true;
  }

  #moveEndToHeld() {
    if (this.entries.length <= this.capacity) return;
    const moved = this.entries.splice(this.capacity);
    if (this.torn) return; // they are beyond the tear, and in the store
    this.held = moved.concat(this.held);
    this.#trimHeld();
  }

  #trimHeld() {
    if (this.held.length <= this.capacity) return;
    this.held = this.held.slice(this.held.length - this.capacity + this.chunk);
    this.torn = true;
  }
}

/** Two lists of which the second goes on where the first ends, or before. */
function merged(list, end) {
  return list.filter(({ id }) => end.length === 0 || id < end[0].id).concat(end);
}
