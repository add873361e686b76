/**
 * The list of jobs. It is asked for every few seconds while the page is shown; in between, the states of those that
 * run come over the one connection.
 */

import { jobRow } from "../lib/step-views.js";
import { isFinal } from "../lib/statuses.js";
import { throttled } from "../lib/throttle.js";
import { QueueSSEManager } from "../log-components.js";
import { callApi, environment } from "../view/server.js";

const POLL_MS = 3000;
const REFRESH_MS = 250;
const MOST_JOBS = 100;

/** More would not fit in the address of one stream; the poll shows the rest. */
const MOST_FOLLOWED = 50;

/** Alpine data of the list. */
export function jobList() {
  const followed = new Map(); // id -> its handle
  const parts = { jobs: [], timer: null };

  return {
    rows: [],
    loaded: false,
    failure: "",
    cancelling: {},

    init() {
      parts.refresh = throttled(() => this.refresh(), REFRESH_MS, environment.clock);
      parts.onShown = () => !document.hidden && this.load();
      document.addEventListener("visibilitychange", parts.onShown);
      parts.timer = setInterval(parts.onShown, POLL_MS);
      this.load();
    },

    destroy() {
      clearInterval(parts.timer);
      document.removeEventListener("visibilitychange", parts.onShown);
      parts.refresh.cancel();
      QueueSSEManager.disconnectAll();
    },

    async load() {
      try {
        const answer = await callApi(`jobs?limit=${MOST_JOBS}`);
        parts.jobs = Array.isArray(answer) ? answer : answer.jobs;
        this.loaded = true;
        this.failure = "";
        followRunning(parts.jobs, followed, parts.refresh, () => this.load());
      } catch (error) {
        if (error.status === 401) this.$dispatch("quaero-unauthorized");
        this.failure = error.message;
      }
      this.refresh();
    },

    refresh() {
      const now = Date.now();
      this.rows = parts.jobs.map((job) => ({
        ...jobRow(newest(job, followed.get(job.id)?.job), now),
        cancelling: this.cancelling[job.id] === true,
      }));
    },

    async cancel(id) {
      this.cancelling[id] = true;
      this.refresh();
      try {
        await callApi(`jobs/${encodeURIComponent(id)}/cancel`, { method: "POST" });
      } catch (error) {
        delete this.cancelling[id];
        this.failure = error.message;
      }
      parts.refresh();
    },
  };
}

/** A state that came over the stream is newer than the list's, but for one that has ended. */
function newest(job, told) {
  return told && !isFinal(job.status) ? { ...job, ...told } : job;
}

function followRunning(jobs, followed, onStatus, onEnd) {
  const running = jobs.filter(({ status }) => !isFinal(status)).slice(0, MOST_FOLLOWED).map(({ id }) => id);
  for (const [id, handle] of followed) {
    if (running.includes(id) && !handle.ended) continue;
    handle.disconnect();
    followed.delete(id);
  }
  for (const id of running) {
    if (followed.has(id)) continue;
    followed.set(id, QueueSSEManager.connectJob(id, { level: "error", limit: 0, onStatus, onEnd }));
  }
}
