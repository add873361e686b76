/**
 * What a screen reader is told of a log that runs: a sum now and then, never the rows themselves, which come by the
 * hundred and are recycled. Pure but for the clock.
 */

import { plural } from "./format.js";

/** Between two announcements: time to hear one out. */
export const PAUSE_MS = 10_000;

export class Announcer {
  #entries = 0;
  #errors = 0;
  #last = -Infinity;
  #clock;

  constructor(clock) {
    this.#clock = clock;
  }

  /** Note new entries. */
  note(logs) {
    this.#entries += logs.length;
    for (const { level } of logs) if (level === "error") this.#errors += 1;
  }

  /** The next sentence, or null when there is nothing to say, or it is too soon. */
  next() {
    const now = this.#clock.now();
    if (this.#entries === 0 || now - this.#last < PAUSE_MS) return null;
    const errors = this.#errors > 0 ? `, ${plural(this.#errors, "error")}` : "";
    const words = `${plural(this.#entries, "new entry", "new entries")}${errors}`;
    this.#entries = 0;
    this.#errors = 0;
    this.#last = now;
    return words;
  }
}
