/** What a job's page shows besides its log: workers, the timeline, errors by kind, parameters, outputs, relations. */

import { formatBytes, formatCount, formatDuration, elapsed } from "../lib/format.js";
import { stepOf } from "../lib/gantt-layout.js";
import { statusOf } from "../lib/statuses.js";
import { visibleLine } from "../lib/text.js";
import { withoutAnsi } from "../lib/ansi.js";
import { drawGantt } from "../view/gantt.js";
import { callApi, saveFile } from "../view/server.js";

/** While a job runs its facts are asked for anew after so long, if any are in sight. */
const RENEW_MS = 2500;
const WORKERS_SHOWN = 6;
/** Those that a reader looks for come first. */
const ORDER = ["running", "failed", "interrupted", "cancelled", "pending", "warning", "completed", "skipped"];

/** A part of a page's data. */
export function jobFacts(parts, jobId) {
  const path = `jobs/${encodeURIComponent(jobId)}`;
  const kept = { details: null, asked: 0, final: false };
  return {
    parameters: [],
    outputs: [],
    relations: [],
    node: "",
    artifacts: [],
    documentCount: 0,
    groups: [],
    groupsLoaded: false,
    workerNames: [],

    async loadFacts() {
      kept.asked = Date.now();
      try {
        kept.details = await callApi(path);
      } catch {
        return; // the stream says what is wrong
      }
      const { details } = kept;
      kept.final = statusOf(details.job.status).final;
      this.parameters = pairs(details.parameters);
      this.outputs = Object.entries(details.outputs ?? {}).map(([step, values]) => ({ step, values: pairs(values) }));
      this.relations = relationsOf(details);
      const { node, attempt } = details.job;
      this.node = node && attempt > 1 ? `${node}, attempt ${attempt}` : (node ?? "");
      this.artifacts = (details.artifacts ?? []).map((each) => artifactView(path, each));
      this.documentCount = details.documents ?? 0;
      this.workerNames = details.workers.slice(0, 500).map(({ name }) => name);
      this.showTab();
    },

    /** The log is what the reader came for: the server is asked for the rest when the first entries are here. */
    loadFactsLater() {
      const { onReady } = parts;
      parts.onReady = () => {
        onReady?.();
        this.loadFacts();
      };
    },

    /** Save a file that a step has left. What goes wrong is told where the page tells it. */
    saveArtifact({ path: file, name }) {
      return this.ask(jobId, "save", () => saveFile(file, name.split("/").pop()));
    },

    /** Told a few times a second: renew what is in sight while the job runs, and once when it has ended. */
    followFacts() {
      const ended = !this.job.running && this.known && !kept.final;
      const wanted = this.tab !== "log" || this.steps.some(({ open }) => open);
      const due = kept.asked > 0 && Date.now() - kept.asked >= RENEW_MS; // the page asks for the first time
      if (due && !document.hidden && (ended || (this.job.running && wanted))) this.loadFacts();
    },

    /** Draw, or ask for, what the open tab shows. */
    showTab() {
      if (this.tab === "timeline" && kept.details) {
        drawGantt(this.$refs.gantt, kept.details, (worker) => this.showWorker(worker));
      }
      if (this.tab === "errors") this.loadGroups();
    },

    async loadGroups() {
      try {
        const { groups } = await callApi(`${path}/errors`);
        this.groups = groups.map(groupView);
        this.groupsLoaded = true;
      } catch {
        this.groupsLoaded = false;
      }
    },

    /** Some workers of a step, those that run or failed before the others, and how many there are besides. */
    workersOf(step) {
      const mine = (kept.details?.workers ?? []).filter(({ name }) => stepOf(name) === step);
      const rank = ({ status }) => ORDER.indexOf(status);
      const shown = [...mine].sort((one, other) => rank(one) - rank(other)).slice(0, WORKERS_SHOWN);
      const more = mine.length - shown.length;
      return { workers: shown.map(workerView), moreWorkers: more > 0 ? `and ${formatCount(more)} more` : "" };
    },
  };
}

function pairs(values) {
  return Object.entries(values ?? {}).map(([name, value]) => ({
    name,
    value: typeof value === "string" ? value : JSON.stringify(value, null, 2),
  }));
}

function relationsOf({ job, children = [] }) {
  const link = (word, id, text = id) => ({ word, id, text, href: `#/job/${encodeURIComponent(id)}` });
  return [
    ...(job.parent_id ? [link("Sub-job of", job.parent_id)] : []),
    ...(job.retry_of ? [link("Repeats", job.retry_of)] : []),
    ...(job.waiting_for ? [link("Waits for", job.waiting_for)] : []),
    ...children.map(({ id, name, step, status }) => link(childWord(step), id, `${name} (${status})`)),
  ];
}

/** What a job of this one is to it: a step ran it, or, without one, a hook. */
function childWord(step) {
  return step === null ? "Started by a hook" : `Sub-job of ${step}`;
}

function artifactView(path, { step, name, bytes }) {
  const words = `${step}/${name}`;
  const address = words.split("/").map(encodeURIComponent).join("/");
  return { name, words, size: formatBytes(bytes), path: `${path}/artifacts/${address}` };
}

function groupView({ message, count, steps, first }) {
  return {
    key: first.id,
    message: visibleLine(withoutAnsi(message)),
    count: formatCount(count),
    steps: steps.join(", "),
    worker: first.worker ?? "",
    line: first.job_line,
    lineWords: `line ${formatCount(first.job_line)}`,
  };
}

function workerView({ name, status, label, attempt, error, started_at: from, finished_at: to }) {
  return {
    name,
    number: name.slice(name.lastIndexOf("-") + 1), // labels are cut; this tells workers apart
    status: statusOf(status),
    label: (label || name).replace(/^https?:\/\/[^/]+(?=\/.)/, "").replace(/^\/.*\/(?=.)/, "…/"), // ends tell apart
    attempt: attempt > 1 ? `attempt ${attempt}` : "",
    duration: formatDuration(elapsed(from, to, Date.now())),
    title: error ? `${name}: ${error}` : name,
  };
}
