/** How many entries have come since the reader left the end of the log. */

export class NewEntries {
  #source;
  #seen = 0; // entries of the view when the reader left
  #arrived = 0; // since then, as far as they came to this page

  constructor(source) {
    this.#source = source;
  }

  /** So many have come. */
  note(count) {
    this.#arrived += count;
  }

  /** From now on, count what is new. */
  begin() {
    this.#seen = this.#source.displayedCount ?? 0;
    this.#arrived = 0;
  }

  /** The server's number where it gives one, which knows of entries that were left out; else those that came. */
  get count() {
    if (this.#source.following && !this.#source.paused) return 0;
    const now = this.#source.displayedCount;
    return now === null ? this.#arrived : Math.max(0, now - this.#seen);
  }
}
