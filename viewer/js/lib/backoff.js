/**
 * How long to wait before the next try: exponential with jitter, without end.
 *
 * The wait is drawn between a floor and a ceiling that doubles with every try. The jitter keeps a herd of readers
 * from coming back in the same moment; there is no last try, since a laptop that slept for a night must find its way.
 */

export const FLOOR_MS = 500;
export const CEILING_MS = 30_000;

export class Backoff {
  #random;
  #floor = FLOOR_MS;

  /** @param {() => number} random a number from 0 up to 1 */
  constructor(random) {
    this.#random = random;
    this.attempt = 0;
  }

  /** Take the server's `retry:` as the shortest wait. */
  setFloor(ms) {
    this.#floor = Math.min(CEILING_MS, Math.max(FLOOR_MS, ms));
  }

  /** Count a try and return the wait before it; never shorter than `atLeastMs` (a `Retry-After`). */
  next(atLeastMs = 0) {
    this.attempt += 1;
    // Beyond 2^16 the ceiling has long been reached; the exponent is kept finite.
    const ceiling = Math.min(CEILING_MS, this.#floor * 2 ** Math.min(this.attempt, 16));
    const wait = this.#floor + this.#random() * (ceiling - this.#floor);
    // Whoever is told the same Retry-After must not come back at the same time either.
    return Math.round(atLeastMs > wait ? atLeastMs + this.#random() * this.#floor : wait);
  }

  /** A stream that delivered something is a good one: the next failure starts over. */
  reset() {
    this.attempt = 0;
  }
}
