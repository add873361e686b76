/** How the log is shown: wrapped or not, which times. Kept for the next visit. */

import { Preferences } from "../lib/storage.js";
import { TIME_MODES } from "../lib/time-modes.js";

/** The one object of preferences of this page. */
export const preferences = new Preferences(() => globalThis.localStorage);

/** A part of a log viewer's data; `parts` has the view. */
export function logDisplay(parts) {
  return {
    wrap: preferences.get("wrap"),
    timeMode: preferences.get("time"),
    utc: preferences.get("utc"),
    timeModes: TIME_MODES,

    toggleWrap() {
      this.wrap = !this.wrap;
      preferences.set("wrap", this.wrap);
      this.showDisplay();
    },

    setTimeMode(name) {
      this.timeMode = name;
      preferences.set("time", name);
      this.showDisplay();
    },

    nextTimeMode() {
      const at = TIME_MODES.findIndex(({ name }) => name === this.timeMode);
      this.setTimeMode(TIME_MODES[(at + 1) % TIME_MODES.length].name);
    },

    toggleUtc() {
      this.utc = !this.utc;
      preferences.set("utc", this.utc);
      this.showDisplay();
    },

    showDisplay() {
      const start = Date.parse(parts.stream.status?.started_at ?? "");
      const display = { wrap: this.wrap, time: this.timeMode, utc: this.utc };
      parts.view.setDisplay({ ...display, start: Number.isNaN(start) ? null : start });
    },
  };
}
