/**
 * What every log viewer has in common, as an Alpine component's data: filters, pause, following, totals, the words on
 * the connection. Alpine holds plain values, made a few times a second; the stream and the list stay outside of it:
 * an array of thousands of entries behind a proxy costs more than everything else together.
 */

import { Announcer } from "../lib/announcer.js";
import { connectionWords } from "../lib/connection-words.js";
import { formatCount } from "../lib/format.js";
import { DEFAULT_LEVEL } from "../lib/levels.js";
import { throttled } from "../lib/throttle.js";
import { behindOf, chipsOf, emptyWords, gapWords, totalsOf } from "../lib/viewer-words.js";
import { LogView } from "../log-view.js";
import { logDisplay } from "./log-display.js";
import { environment } from "./server.js";

/** Between two updates of what is not the list: quick enough to look live, slow enough to be read. */
const REFRESH_MS = 150;
const TICK_MS = 1000;

/** How many entries to begin with: a few screens, in one answer. */
export const FIRST_ENTRIES = 500;

/** Filters that a viewer has a word for; the stream's other options stay as they were given. */
const FILTERS = ["step", "worker", "originator"];

/**
 * The data shared by `sseJobLogViewer` and `sseServiceLogs`. Markup: an element with `x-ref="log"` takes the list and
 * needs a height; everything else is up to the page.
 *
 * @param {object} parts takes the stream, the view and their helpers, out of Alpine's sight
 * @param {(callbacks: object) => object} open makes the stream
 * @param {object} [hooks] `onRefresh(component, stream)` adds what the component shows besides the log; `onReady()`
 *   is told once, when the first entries are here; `onPoint(entry, extend)` of a click on a line's number
 */
export function logViewer(parts, open, { onRefresh = () => {}, onReady = () => {}, onPoint = () => {} } = {}) {
  return {
    ...logDisplay(parts),
    state: "idle",
    pill: connectionWords({ state: "idle" }, 0),
    chips: chipsOf(null, DEFAULT_LEVEL),
    level: DEFAULT_LEVEL,
    step: "",
    worker: "",
    originator: "",
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
      parts.onReady = onReady;
      parts.stream = open(callbacksOf(parts, this));
      this.readFilters();
      parts.view = new LogView(this.$refs.log, parts.stream, {
        onChange: parts.refresh,
        numberOf: (entry) => (this.step ? entry.line_number : (entry.job_line ?? entry.line_number)),
        onPoint,
      });
      this.showDisplay();
      parts.ticker = setInterval(() => this.tick(), TICK_MS);
      parts.stream.connect();
    },

    destroy() {
      clearInterval(parts.ticker);
      parts.refresh.cancel();
      parts.stream.disconnect();
      parts.view.destroy();
    },

    tick() {
      if (this.timeMode === "ago") this.showDisplay();
      parts.refresh();
    },

    /** Show this level and those above it. */
    setLevel(level) {
      this.filter({ level });
    },

    /** Show the entries of this step alone; the same step again, or "", shows all. */
    setStep(step) {
      this.filter({ step: step === this.step ? "" : step });
    },

    setWorker(worker) {
      this.filter({ worker });
    },

    /** `worker`, `step`, `runner`, or "" for all. */
    setOriginator(originator) {
      this.filter({ originator });
    },

    /** Change some filters at once. A reader who was not at the end stays near the entry they looked at. */
    filter(patch) {
      const { stream, view } = parts;
      parts.returnTo = stream.following ? null : (stream.logs[view.visibleRange[0]]?.id ?? null);
      stream.setFilters(Object.fromEntries(Object.entries(patch).map(([name, value]) => [name, value || undefined])));
      this.readFilters();
      this.refresh();
    },

    /** Take the filters' words from the stream. */
    readFilters() {
      const { filters } = parts.stream;
      this.level = filters.level ?? DEFAULT_LEVEL;
      for (const name of FILTERS) this[name] = [filters[name] ?? ""].flat()[0];
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
      if (!view) return; // the stream speaks before the list is made
      const { state, counts, paused } = stream;
      this.state = state;
      this.pill = connectionWords(stream, environment.clock.now(), behindOf(stream));
      this.chips = chipsOf(counts, this.level);
      this.paused = paused;
      this.showJump = stream.logs.length > 0 && (!view.atEnd || paused);
      this.newLabel = view.newCount > 0 ? `${formatCount(view.newCount)} new` : "";
      this.totals = totalsOf(stream);
      this.empty = emptyWords(stream);
      this.announcement = parts.announcer.next() ?? this.announcement;
      onRefresh(this, stream);
    },
  };
}

function callbacksOf(parts, component) {
  let markNext = null; // words for a line before the next entry
  return {
    onLogs(logs) {
      parts.announcer.note(logs);
      if (markNext !== null && logs.length > 0) parts.view.mark(logs[0].id, markNext);
      if (logs.length > 0) markNext = null;
      parts.view.update(logs.length);
      parts.refresh();
    },
    onReset() {
      markNext = null;
      parts.view.reset();
      comeBack(parts);
      parts.refresh();
    },
    onStatus: () => parts.refresh(),
    onState: () => parts.refresh?.(),
    onEnd: () => parts.refresh(),
    onDisconnect({ state }) {
      if (state === "retrying" || state === "stale") markNext = "reconnected here; nothing is missing";
    },
    onGap(gap) {
      markNext = gapWords(gap);
      component.notice = markNext;
    },
    onError(error) {
      if (error.status === 401) component.$dispatch("quaero-unauthorized");
    },
  };
}

/** The first entries of a view are here: tell so once, and bring a reader back to where they were. */
async function comeBack(parts) {
  const { onReady, returnTo } = parts;
  parts.onReady = null;
  parts.returnTo = null;
  onReady?.();
  if (!returnTo) return;
  parts.view.stopFollowing();
  const at = await parts.stream.jumpTo(returnTo);
  parts.view.activate(Math.max(0, at), true);
}
