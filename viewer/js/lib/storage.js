/**
 * What the reader has chosen and keeps over pages and reloads: theme, wrapping, times, the panel. One JSON text under
 * one key; a browser that refuses storage only forgets. Nothing secret is kept here.
 */

const KEY = "quaero.preferences";

const DEFAULTS = { theme: "auto", wrap: false, time: "clock", utc: false, panelOpen: false, panelLevel: "info" };

export class Preferences {
  #store;
  #values;

  /** @param {() => Storage} store gives the storage; may throw */
  constructor(store) {
    this.#store = store;
    this.#values = { ...DEFAULTS, ...this.#read() };
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    this.#values = { ...this.#values, [name]: value };
    try {
      this.#store().setItem(KEY, JSON.stringify(this.#values));
    } catch {
      // Private windows and full disks: the choice holds for this page.
    }
  }

  #read() {
    try {
      const kept = JSON.parse(this.#store().getItem(KEY) ?? "{}");
      return Object.fromEntries(Object.entries(kept).filter(([name]) => typeof kept[name] === typeof DEFAULTS[name]));
    } catch {
      return {}; // not ours, or not readable
    }
  }
}
