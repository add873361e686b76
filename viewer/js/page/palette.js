/** The command palette and the list of keys: every page, job, definition and action by a few letters. */

import { currentRoute } from "./address.js";
import { ask } from "./keys.js";
import { fitsView, KEYMAP, LIST_KEYS, MORE_ACTIONS } from "../lib/keymap.js";
import { rankItems } from "../lib/rank.js";
import { makeFragment } from "../lib/routes.js";
import { statusOf } from "../lib/statuses.js";
import { callApi } from "../view/server.js";

const SHOWN = 12;
/** Jobs asked for at once; older ones are asked for while too few fit what is typed. */
const JOBS = 500;

/** Alpine data. Markup: dialogs with `x-ref="palette"` and `x-ref="help"`. */
export function commandPalette() {
  const parts = { all: [] };
  return {
    text: "",
    items: [],
    at: 0,
    groups: groupsOf([...KEYMAP, ...LIST_KEYS]),

    act(action) {
      if (action === "help") this.$refs.help.showModal();
      if (action === "palette") this.open();
    },

    closeHelp() {
      this.$refs.help.close();
    },

    async open() {
      if (this.$refs.palette.open) return;
      const { view } = currentRoute();
      parts.all = actionsOf(view);
      this.text = "";
      this.at = 0;
      this.$refs.palette.showModal();
      this.search();
      parts.oldest = "";
      this.loadDefinitions();
      this.loadWorkers();
      this.loadJobs();
    },

    async loadDefinitions() {
      const { definitions } = await callApi("job-definitions").catch(() => ({ definitions: [] }));
      parts.all = [...parts.all, ...definitions.flatMap(definitionItems)];
      this.search();
    },

    async loadWorkers() {
      const { workers } = await callApi("workers").catch(() => ({ workers: [] }));
      const items = workers.map(({ name }) => ({ label: name, about: "worker", keys: "", href: "#/workers" }));
      parts.all = [...parts.all, ...items];
      this.search();
    },

    /** The next page of jobs; `null` as the oldest one: there are no more. */
    async loadJobs() {
      const before = parts.oldest;
      if (before === null || parts.loading) return;
      parts.loading = true;
      const query = new URLSearchParams({ limit: JOBS, ...(before && { before }) });
      const { jobs } = await callApi(`jobs?${query}`).catch(() => ({ jobs: [] }));
      parts.loading = false;
      parts.oldest = jobs.length < JOBS ? null : jobs.at(-1).id;
      parts.all = [...parts.all, ...jobs.map(jobItem)];
      this.search();
    },

    search() {
      const fitting = rankItems(parts.all, this.text).slice(0, SHOWN);
      if (this.text.trim() && fitting.length < SHOWN) this.loadJobs();
      this.items = fitting.map((item, index) => ({ ...item, index, key: `palette-${index}` }));
      this.at = Math.min(this.at, Math.max(0, this.items.length - 1));
    },

    /** Other letters: begin at the first that fits. */
    type() {
      this.at = 0;
      this.search();
    },

    move(by) {
      if (this.items.length === 0) return;
      this.at = (this.at + by + this.items.length) % this.items.length;
      document.getElementById(`palette-${this.at}`)?.scrollIntoView({ block: "nearest" });
    },

    choose(index) {
      const item = this.items[index];
      if (!item) return;
      this.$refs.palette.close();
      if (item.href) location.hash = item.href;
      else if (item.start) dispatchEvent(new CustomEvent("quaero-start", { detail: item.start }));
      else ask(item.action);
    },
  };
}

function actionsOf(view) {
  const fits = (each) => each.action !== "palette" && fitsView(each, view);
  return [...KEYMAP, ...MORE_ACTIONS].filter(fits).map(({ action, label, keys = "" }) => {
    const words = action.startsWith("go:") ? `Go to ${label}` : label;
    return { label: words, about: "", keys, action };
  });
}

function definitionItems({ id, name, error, enabled }) {
  const href = makeFragment({ view: "definitions", params: { open: id } });
  const show = { label: name || id, about: "definition", keys: "", href };
  if (error || enabled === false) return [show];
  return [{ label: `Start ${name || id}`, about: id, keys: "", start: id }, show];
}

function jobItem({ id, name, definition, status }) {
  const about = `${id} ${statusOf(status).word.toLowerCase()}`;
  return { label: name || definition, about, keys: "", href: makeFragment({ view: "job", id }) };
}

function groupsOf(entries) {
  const groups = new Map();
  for (const { keys, label, group } of entries) {
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push({ keys: keys.replace("Ctrl+k", "Ctrl K"), label });
  }
  return [...groups].map(([name, keys]) => ({ name, keys }));
}
