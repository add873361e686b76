/** The command palette and the list of keys: every page, job, definition and action by a few letters. */

import { currentRoute } from "./address.js";
import { ask } from "./keys.js";
import { KEYMAP, LIST_KEYS, MORE_ACTIONS } from "../lib/keymap.js";
import { rankItems } from "../lib/rank.js";
import { makeFragment } from "../lib/routes.js";
import { statusOf } from "../lib/statuses.js";
import { callApi } from "../view/server.js";

const SHOWN = 12;

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
      this.$refs.palette.showModal();
      this.search();
      const asked = [callApi("jobs?limit=100"), callApi("job-definitions")];
      const [jobs, definitions] = await Promise.allSettled(asked);
      parts.all = [
        ...parts.all,
        ...(definitions.value?.definitions ?? []).flatMap(definitionItems),
        ...(jobs.value?.jobs ?? []).map(jobItem),
      ];
      this.search();
    },

    search() {
      this.at = 0;
      const fitting = rankItems(parts.all, this.text).slice(0, SHOWN);
      this.items = fitting.map((item, index) => ({ ...item, index, key: `palette-${index}` }));
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
  const fits = (each) => each.action !== "palette" && (!each.view || each.view === view);
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
