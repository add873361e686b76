/** A job's page in the address: filters, search, tab, lines, how the log is shown. Whoever opens it sees the same. */

import { replaceRoute } from "./address.js";
import { DEFAULT_LEVEL } from "../lib/levels.js";

/** The tabs of the page. */
export const TABS = [
  { name: "log", label: "Log" },
  { name: "timeline", label: "Timeline" },
  { name: "errors", label: "Errors" },
  { name: "details", label: "Details" },
];

const NO_FILTERS = { level: DEFAULT_LEVEL, step: "", worker: "", originator: "" };

/** A part of the page's data; `base` is the viewer that it is built on. */
export function jobAddress(parts, id, base) {
  return {
    keepAddress() {
      const { level, step, worker, originator } = this;
      const params_ = {
        level: level === DEFAULT_LEVEL ? "" : level, step, worker, from: originator, q: this.search,
        hits: this.onlyHits ? "1" : "", tab: this.tab === "log" ? "" : this.tab, wrap: this.wrap ? "1" : "",
        time: this.timeMode === "clock" ? "" : this.timeMode, utc: this.utc ? "1" : "",
      };
      replaceRoute({ params: params_, lines: this.lines });
    },

    /** The address has changed by hand, or by "back". */
    onRoute(route) {
      if (route.id !== id) return;
      if (route.lines && route.lines.from !== this.lines?.from) this.goToLine(route.lines.from, route.lines.to);
      if (tabOf(route.params) !== this.tab) this.setTab(tabOf(route.params));
      this.takeDisplay(route.params);
      base.filter.call(this, { ...NO_FILTERS, ...filtersOf(route.params) });
    },

    /** How the log is shown, where the address says so; the reader's own choices stay as they are. */
    takeDisplay({ wrap, time, utc }) {
      if (wrap) this.wrap = wrap === "1";
      if (this.timeModes.some(({ name }) => name === time)) this.timeMode = time;
      if (utc) this.utc = utc === "1";
      base.showDisplay.call(this);
    },

    showDisplay() {
      base.showDisplay.call(this);
      if (parts.onPlace) this.keepAddress();
    },
  };
}

/** The tab that the address names. */
export function tabOf({ tab }) {
  return TABS.some(({ name }) => name === tab) ? tab : "log";
}

/** The address's words -> the stream's filters. */
export function filtersOf({ level, step, worker, from, q, hits }) {
  const given = { level, step, worker, originator: from, q: hits === "1" ? q : "" };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
}
