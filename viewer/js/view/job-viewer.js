/** `sseJobLogViewer(jobId)`: one job live, with its steps and its log, as an Alpine component's data. */

import { logFind } from "./log-find.js";
import { logPlace } from "./log-place.js";
import { logShare } from "./log-share.js";
import { FIRST_ENTRIES, logViewer } from "./log-viewer.js";
import { Minimap } from "./minimap.js";
import { callApi } from "./server.js";
import { formatCount } from "../lib/format.js";
import { sumCounts } from "../lib/levels.js";
import { jobView, stepView } from "../lib/step-views.js";
import { createJobStream } from "../log-stream.js";

/**
 * @param {string} jobId
 * @param {object} [options] of the stream: `level`, `limit`, `maxEntries`, `token`, …; and `lines` ({from, to}) that
 *   are shown first
 */
export function sseJobLogViewer(jobId, { lines = null, ...options } = {}) {
  const parts = {}; // stream, view, map, helpers: out of Alpine's sight
  const open = (callbacks) => createJobStream(jobId, { limit: FIRST_ENTRIES, skip: true, ...options, ...callbacks });
  const hooks = {
    onRefresh: (component, stream) => showJob(component, stream, parts),
    onReady: () => lines && parts.component.goToLine(lines.from, lines.to),
    onPoint: (entry, extend) => parts.component.pointAt(entry, extend),
  };
  const base = logViewer(parts, open, hooks);
  return {
    ...base,
    ...logPlace(parts, jobId),
    ...logFind(parts, jobId),
    ...logShare(parts, jobId),
    jobId,
    job: jobView({ id: jobId, status: "pending" }, 0),
    known: false,
    missing: false,
    failure: "",
    steps: [],
    allEntries: "",
    cancelling: false,
    actionError: "",

    init() {
      parts.component = this;
      base.init.call(this);
      if (this.$refs.map) parts.map = new Minimap(this.$refs.map, jobId, (line) => this.goToLine(line));
    },

    /** What the stream, the view and the map are; for a page that builds on this component. */
    parts: () => parts,

    /** Ask for the job to be cancelled; the stream tells when it is. */
    async cancel() {
      this.cancelling = true;
      this.actionError = "";
      try {
        await callApi(`jobs/${encodeURIComponent(jobId)}/cancel`, { method: "POST" });
      } catch (error) {
        this.cancelling = false;
        this.actionError = error.message;
      }
    },
  };
}

function showJob(component, stream, parts) {
  const now = Date.now();
  const { status, error, state } = stream;
  component.missing = error?.status === 404;
  component.failure = state === "failed" && !component.missing ? connectionFailure(error) : "";
  showMap(parts);
  if (!status) return;
  if (!component.known) component.showDisplay(); // when the job began is known now
  component.known = true;
  component.job = jobView(status, now);
  component.steps = stream.steps.map((step) => ({ ...stepView(step, now), selected: step.name === component.step }));
  component.allEntries = component.step ? "" : formatCount(stream.totalCount);
  if (component.job.status.final) component.cancelling = false;
  else component.renewHits();
  const { id, progress, status: word } = status;
  component.$dispatch("quaero-job", { id, name: component.job.name, status: word, progress });
}

function showMap({ map, stream, view }) {
  if (!map) return;
  const [first, last] = view.visibleRange.map((index) => stream.logs[index]?.job_line ?? 0);
  const total = stream.steps.reduce((sum, { counts }) => sum + sumCounts(counts ?? {}), 0);
  map.show(Math.max(total, last, stream.totalCount ?? 0), first, last);
}

function connectionFailure(error) {
  return error?.hint ? `${error.message} – ${error.hint}` : (error?.message ?? "");
}
