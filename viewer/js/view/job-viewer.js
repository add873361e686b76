/** `sseJobLogViewer(jobId)`: one job live, with its steps and its log, as an Alpine component's data. */

import { callApi } from "./server.js";
import { FIRST_ENTRIES, logViewer } from "./log-viewer.js";
import { formatCount } from "../lib/format.js";
import { jobView, stepView } from "../lib/step-views.js";
import { createJobStream } from "../log-stream.js";

/**
 * @param {string} jobId
 * @param {object} [options] of the stream: `level`, `limit`, `maxEntries`, `token`, …
 */
export function sseJobLogViewer(jobId, options = {}) {
  const open = (callbacks) => createJobStream(jobId, { limit: FIRST_ENTRIES, skip: true, ...options, ...callbacks });
  return {
    ...logViewer(open, showJob),
    jobId,
    job: jobView({ id: jobId, status: "pending" }, 0),
    known: false,
    missing: false,
    failure: "",
    steps: [],
    allEntries: "",
    cancelling: false,
    actionError: "",

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

function showJob(component, stream) {
  const now = Date.now();
  const { status, error, state } = stream;
  component.missing = error?.status === 404;
  component.failure = state === "failed" && !component.missing ? connectionFailure(error) : "";
  if (!status) return;
  component.known = true;
  component.job = jobView(status, now);
  component.steps = stream.steps.map((step) => ({ ...stepView(step, now), selected: step.name === component.step }));
  component.allEntries = component.step ? "" : formatCount(stream.totalCount);
  if (component.job.status.final) component.cancelling = false;
  component.$dispatch("quaero-job", { name: component.job.name, status: status.status, progress: status.progress });
}

function connectionFailure(error) {
  return error?.hint ? `${error.message} – ${error.hint}` : (error?.message ?? "");
}
