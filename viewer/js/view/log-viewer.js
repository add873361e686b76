/**
 * What every log viewer has in common, as an Alpine component's data: filters, pause, following, totals, the words on
 * the connection. Alpine holds plain values, made a few times a second; the stream and the list stay outside of it:
 * an array of thousands of entries behind a proxy costs more than everything else together.
 */

import { Announcer } from "../lib/announcer.js";
import { connectionWords } from "../lib/connection-words.js";
import { formatCount, plural } from "../lib/format.js";
import { DEFAULT_LEVEL, LEVELS, levelClass, levelValue } from "../lib/levels.js";
import { throttled } from "../lib/throttle.js";
import { LogView } from "../log-view.js";
import { environment } from "./server.js";

/** Between two updates of what is not the list: quick enough to look live, slow enough to be read. */
const REFRESH_MS = 150;
const TICK_MS = 1000;

/** How many entries to begin with: a few screens, in one answer. */
export const FIRST_ENTRIES = 500;

/**
 * The data shared by `sseJobLogViewer` and `sseServiceLogs`. Markup: an element with `x-ref="log"` takes the list and
 * needs a height; everything else is up to the page.
 *
 * @param {(callbacks: object) => object} open makes the stream
 * @param {(component: object, stream: object) => void} onRefresh adds what the component shows besides the log
 */
export function logViewer(open, onRefresh = () => {}) {
  const parts = {}; // stream, view, refresh, announcer, ticker: out of Alpine's sight

  return {
    state: "idle",
    pill: connectionWords({ state: "idle" }, 0),
    chips: chipsOf(null, DEFAULT_LEVEL),
    level: DEFAULT_LEVEL,
    step: "",
    paused: false,
    showJump: false,
    newLabel: "",
    totals: "",
    empty: "",
    notice: "",
    announcement: "",

    /** Alpine calls this once; no `x-init` is needed, and one would open a second stream. */
    init() {
      parts.announcer = new Announcer(environment.clock);
      parts.refresh = throttled(() => this.refresh(), REFRESH_MS, environment.clock);
      parts.stream = open(callbacksOf(parts, this));
      parts.view = new LogView(this.$refs.log, parts.stream, {
        onChange: parts.refresh,
        numberOf: (entry) => (this.step ? entry.line_number : (entry.job_line ?? entry.line_number)),
      });
      parts.ticker = setInterval(parts.refresh, TICK_MS);
      parts.stream.connect();
    },

    destroy() {
      clearInterval(parts.ticker);
      parts.refresh.cancel();
      parts.stream.disconnect();
      parts.view.destroy();
    },

    /** Show this level and those above it. */
    setLevel(level) {
      this.level = level;
      parts.stream.setFilters({ level });
      this.refresh();
    },

    /** Show the entries of this step alone; the same step again, or "", shows all. */
    setStep(step) {
      this.step = step === this.step ? "" : step;
      parts.stream.setFilters({ step: this.step || undefined });
      this.refresh();
    },

    /** Leave the list as it is, or go on. The stream stays open: nothing is lost. */
    togglePause() {
      if (parts.stream.paused) {
        parts.stream.resume();
        parts.view.jumpToLatest();
      } else {
        parts.view.markSeen();
        parts.stream.pause();
      }
      this.refresh();
    },

    jumpToLatest() {
      if (parts.stream.paused) parts.stream.resume();
      parts.view.jumpToLatest();
      this.refresh();
    },

    /** Forget the entries shown; older ones can be loaded again. */
    clear() {
      parts.stream.clear();
    },

    reconnect() {
      parts.stream.reconnect();
      this.refresh();
    },

    /** Make every value anew from the stream. */
    refresh() {
      const { stream, view } = parts;
      const { state, counts, paused } = stream;
      this.state = state;
      this.pill = connectionWords(stream, environment.clock.now());
      this.chips = chipsOf(counts, this.level);
      this.paused = paused;
      this.showJump = !view.atEnd || paused;
      this.newLabel = view.newCount > 0 ? `${formatCount(view.newCount)} new` : "";
      this.totals = totalsOf(stream);
      this.empty = emptyWords(stream);
      this.announcement = parts.announcer.next() ?? this.announcement;
      onRefresh(this, stream);
    },
  };
}

function callbacksOf(parts, component) {
  const note = (text) => {
    component.notice = text;
  };
  return {
    onLogs(logs) {
      parts.announcer.note(logs);
      parts.view.update(logs.length);
      parts.refresh();
    },
    onReset() {
      parts.view.reset();
      parts.refresh();
    },
    onStatus: () => parts.refresh(),
    onState: () => parts.refresh?.(),
    onEnd: () => parts.refresh(),
    onGap: (gap) => note(gapWords(gap)),
    onError(error) {
      if (error.status === 401) component.$dispatch("quaero-unauthorized");
    },
  };
}

function chipsOf(counts, lowest) {
  return LEVELS.map(({ name, label, glyph, value }) => {
    const on = value >= levelValue(lowest);
    const count = formatCount(counts?.[name]);
    const title = `Show ${label.toLowerCase()}${name === "error" ? "s only" : " and above"}`;
    return { name, label, glyph, on, count, title, className: `${levelClass(name)}${on ? " is-on" : ""}` };
  });
}

function totalsOf({ displayedCount, totalCount, logs }) {
  if (totalCount === null) return logs.length > 0 ? `${plural(logs.length, "entry", "entries")} loaded` : "";
  return `${formatCount(displayedCount)} of ${plural(totalCount, "entry", "entries")}`;
}

function emptyWords({ logs, state, totalCount, displayedCount }) {
  if (logs.length > 0 || state === "failed") return "";
  if (totalCount > 0 && displayedCount === 0) return "No entries at this level";
  if (state === "ended") return totalCount > 0 ? "" : "This job logged nothing";
  return state === "live" && totalCount === 0 ? "Waiting for the first entry" : "";
}

function gapWords({ count, reason }) {
  const entries = plural(count, "entry", "entries");
  if (reason === "retention") return `${entries} were deleted by retention`;
  return `${entries} were skipped to keep up; scroll up to load them`;
}
