/** Fetching what lies beyond the window when the reader comes near one of its ends. */

/** So near to the first or last loaded row, more are fetched: about two screens. */
const NEAR_ROWS = 80;

export class Edges {
  /**
   * @param {object} source the stream
   * @param {import("./top-strip.js").TopStrip} strip says what happens at the upper end
   * @param {() => void} changed is told when entries have come, or could not
   */
  constructor(source, strip, changed) {
    this.source = source;
    this.strip = strip;
    this.changed = changed;
  }

  /** Rows from `first` up to `last` of `count` are shown to a reader who does not follow the end. */
  approach(first, last, count) {
    const { hasOlder, hasNewer, paused } = this.source;
    if (hasOlder && first < NEAR_ROWS && !this.strip.failed) this.loadOlder();
    if (hasNewer && !paused && last > count - NEAR_ROWS) this.loadNewer();
  }

  async loadOlder() {
    if (this.strip.loading || !this.source.hasOlder) return;
    this.strip.begin();
    try {
      await this.source.loadOlder();
      this.strip.finish();
    } catch (error) {
      this.strip.finish(error);
    }
    this.changed();
  }

  async loadNewer() {
    try {
      if ((await this.source.loadNewer()) > 0) this.changed();
    } catch {
      // The reader stays at the last row that is here; the stream says what is wrong, a button jumps to the end.
    }
  }
}
