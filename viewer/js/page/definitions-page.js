/** The definitions: what can be run, when it runs by itself, how it went, and what its steps are. */

import { replaceRoute } from "./address.js";
import { polled } from "./polling.js";
import { formatTimestamp } from "../lib/format.js";
import { statusOf } from "../lib/statuses.js";
import { drawDag } from "../view/dag.js";
import { callApi } from "../view/server.js";

const POLL_MS = 5000;
const RUNS_SHOWN = 12;

/** Alpine data of the page. */
export function definitionList({ params }) {
  const parts = {};
  return {
    rows: [],
    loaded: false,
    failure: "",
    text: params.q ?? "",
    opened: params.open ?? "",

    init() {
      parts.end = polled(() => this.load(), POLL_MS);
    },

    destroy() {
      parts.end();
    },

    async load() {
      try {
        const { definitions } = await callApi("job-definitions");
        parts.all = definitions.map(definitionView);
        this.loaded = true;
        this.failure = "";
      } catch (error) {
        if (error.status === 401) this.$dispatch("quaero-unauthorized");
        this.failure = error.message;
      }
      this.refresh();
    },

    filter() {
      replaceRoute({ params: { q: this.text, open: this.opened } });
      this.refresh();
    },

    refresh() {
      const wanted = this.text.trim().toLowerCase();
      const rows = (parts.all ?? []).filter(({ haystack }) => haystack.includes(wanted));
      this.rows = rows.map((row) => ({ ...row, opened: row.id === this.opened }));
    },

    /** Show a definition's steps and parameters, or hide them. */
    toggle(id) {
      this.opened = this.opened === id ? "" : id;
      this.filter();
    },

    draw(place, id) {
      const row = parts.all.find((each) => each.id === id);
      if (row) drawDag(place, row.steps);
    },

    start(id) {
      dispatchEvent(new CustomEvent("quaero-start", { detail: id }));
    },
  };
}

function definitionView(definition) {
  const { id, name, description, tags, error, enabled, steps, parameters, path } = definition;
  return {
    id,
    name: name || id,
    description,
    tags,
    error: error ?? "",
    hint: definition.hint ?? "",
    usable: enabled !== false && !error,
    off: enabled === false && !error,
    path,
    steps,
    stepWords: steps.length === 1 ? "1 step" : `${steps.length} steps`,
    parameters: parameters.map(parameterView),
    schedule: scheduleWords(definition),
    next: definition.next_fires.slice(0, 3).map((fire) => formatTimestamp(fire, true).slice(0, -7)),
    runs: (definition.last_jobs ?? []).slice(0, RUNS_SHOWN).reverse().map(runView),
    haystack: [id, name, description, ...tags].join(" ").toLowerCase(),
  };
}

function scheduleWords({ schedule, timezone }) {
  const expressions = [schedule ?? []].flat();
  if (expressions.length === 0) return "";
  return `${expressions.join(" and ")}${timezone ? ` ${timezone}` : ""}`;
}

function parameterView({ name, type, required, default: value, description }) {
  const given = value === null || value === undefined || value === "" ? "" : JSON.stringify(value);
  return { name, about: required ? `${type}, required` : type, value: given, description: description ?? "" };
}

function runView({ id, status, started_at: at }) {
  const { word, glyph, className } = statusOf(status);
  const when = at ? formatTimestamp(at, true).slice(0, -4) : "not started";
  return { id, glyph, className, href: `#/job/${encodeURIComponent(id)}`, title: `${word}, ${when}` };
}
