/**
 * The list of jobs. It is asked for every few seconds while the page is shown; in between, the states of those that
 * run come over the one connection.
 */

import { replaceRoute } from "./address.js";
import { jobActions } from "./job-actions.js";
import { polled } from "./polling.js";
import { jobRow } from "../lib/step-views.js";
import { isFinal, STATUSES, statusOf } from "../lib/statuses.js";
import { throttled } from "../lib/throttle.js";
import { QueueSSEManager } from "../log-components.js";
import { callApi, environment } from "../view/server.js";

const POLL_MS = 3000;
const REFRESH_MS = 250;
const PAGE = 100;

/** More would not fit in the address of one stream; the poll shows the rest. */
const MOST_FOLLOWED = 50;

/** Alpine data of the list. `route` has the filters. */
export function jobList({ params }) {
  const followed = new Map(); // id -> its handle
  const parts = { jobs: [], limit: PAGE };
  const { status = "", definition = "", q = "" } = params;

  return {
    ...jobActions(),
    rows: [],
    status,
    definition,
    text: q,
    statuses: STATUSES.map((name) => ({ name, word: statusOf(name).word })),
    definitions: [],
    opened: Object.fromEntries((params.open ?? "").split(",").filter(Boolean).map((id) => [id, true])),
    loaded: false,
    more: false,
    failure: "",
    countWords: "",

    init() {
      parts.refresh = throttled(() => this.refresh(), REFRESH_MS, environment.clock);
      parts.end = polled(() => this.load(), POLL_MS);
      this.loadDefinitions();
    },

    destroy() {
      parts.end();
      parts.refresh.cancel();
      for (const handle of followed.values()) handle.disconnect();
    },

    /** Another filter: kept in the address, asked of the server. */
    filter() {
      this.keepAddress();
      this.load();
    },

    keepAddress() {
      const open = Object.keys(this.opened).filter((id) => this.opened[id]).join(",");
      replaceRoute({ params: { status: this.status, definition: this.definition, q: this.text, open } });
    },

    clearFilters() {
      Object.assign(this, { status: "", definition: "", text: "" });
      this.filter();
    },

    async load() {
      const query = new URLSearchParams({ limit: parts.limit });
      if (this.status) query.set("status", this.status);
      if (this.definition) query.set("definition", this.definition);
      const asked = query.toString();
      parts.asked = asked;
      try {
        const { jobs } = await callApi(`jobs?${asked}`);
        if (parts.asked !== asked) return;
        parts.jobs = jobs;
        this.more = jobs.length === parts.limit && parts.limit < 500;
        this.loaded = true;
        this.failure = "";
        followRunning(jobs, followed, parts.refresh, () => this.load());
      } catch (error) {
        if (error.status === 401) this.$dispatch("quaero-unauthorized");
        this.failure = error.message;
      }
      this.refresh();
    },

    loadMore() {
      parts.limit = Math.min(500, parts.limit + PAGE);
      this.load();
    },

    async loadDefinitions() {
      try {
        this.definitions = (await callApi("job-definitions")).definitions.map(({ id }) => id);
      } catch {
        this.definitions = []; // the list of jobs says what is wrong
      }
    },

    refresh() {
      const now = Date.now();
      const jobs = parts.jobs.map((job) => newest(job, followed.get(job.id)?.job));
      const wanted = this.text.trim().toLowerCase();
      this.rows = jobs.filter((job) => matches(job, wanted)).map((job) => ({
        ...jobRow(job, now),
        opened: this.opened[job.id] === true,
      }));
      const many = this.rows.length === 1 ? "1 job" : `${this.rows.length} jobs`;
      this.countWords = this.more ? `${many} shown` : many;
    },

    /** Open a job's steps and live entries below its row, or close them. */
    toggle(id) {
      this.opened[id] = !this.opened[id];
      this.keepAddress();
      this.refresh();
    },
  };
}

function matches({ id, name, definition, error }, wanted) {
  return wanted === "" || [id, name, definition, error ?? ""].some((text) => text.toLowerCase().includes(wanted));
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
