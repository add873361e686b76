/** Below a row of the list of jobs: its steps, and its newest entries, live, over the page's one connection. */

import { formatTimestamp } from "../lib/format.js";
import { levelClass, levelOf } from "../lib/levels.js";
import { stepView } from "../lib/step-views.js";
import { visibleLine } from "../lib/text.js";
import { withoutAnsi } from "../lib/ansi.js";
import { throttled } from "../lib/throttle.js";
import { QueueSSEManager } from "../log-components.js";
import { environment } from "../view/server.js";

const ENTRIES = 12;
const LONGEST = 300; // characters of a message; the job's own page has all
const REFRESH_MS = 200;

/** Alpine data of one opened job. */
export function jobPreview(jobId) {
  const parts = {};
  return {
    steps: [],
    entries: [],
    loaded: false,
    failure: "",

    init() {
      parts.refresh = throttled(() => this.refresh(), REFRESH_MS, environment.clock);
      parts.handle = QueueSSEManager.connectJob(jobId, {
        limit: ENTRIES,
        maxEntries: ENTRIES * 10,
        onLogs: parts.refresh,
        onStatus: parts.refresh,
        onEnd: parts.refresh,
        onError: (error) => (this.failure = error.message),
      });
    },

    /** Closed: nothing is followed any more. */
    destroy() {
      parts.refresh.cancel();
      parts.handle.disconnect();
    },

    refresh() {
      const { steps, logs } = parts.handle;
      this.steps = steps.map((step) => stepView(step, Date.now()));
      this.entries = logs.slice(-ENTRIES).map(entryView);
      this.loaded = true;
      this.failure = "";
    },
  };
}

function entryView({ id, timestamp, level, step_name: step, message }) {
  return {
    id,
    time: formatTimestamp(timestamp),
    glyph: levelOf(level).glyph,
    level: levelOf(level).name,
    className: levelClass(level),
    step: step ?? "",
    message: visibleLine(withoutAnsi(message).slice(0, LONGEST)),
  };
}
