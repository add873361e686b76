/** The line above the first row: whether the log begins here, or what comes before can be had. */

import { element } from "./dom.js";

/** In pixels; css/log-view.css has the same number. */
const HEIGHT = 30;

export class TopStrip {
  #button;
  #words;

  constructor(load) {
    this.#button = element("button", "log-older", "");
    this.#button.type = "button";
    this.#button.addEventListener("click", () => {
      this.failed = null;
      load();
    });
    this.#words = element("span", "log-beginning", "");
    this.element = element("div", "log-strip", this.#button, this.#words);
    this.height = HEIGHT;
    this.loading = false;
    this.failed = null;
  }

  begin() {
    this.loading = true;
    this.failed = null;
  }

  finish(error = null) {
    this.loading = false;
    this.failed = error;
  }

  /** Say what lies above, for a stream that shows `count` entries. */
  show(source, count) {
    const words = source.hasOlder || count === 0 ? "" : "Beginning of the log";
    if (this.#words.textContent !== words) this.#words.textContent = words;
    this.#button.hidden = !source.hasOlder;
    this.#button.disabled = this.loading;
    const label = this.#label();
    if (this.#button.textContent !== label) this.#button.textContent = label;
  }

  #label() {
    if (this.loading) return "Loading older entries…";
    return this.failed ? `Could not be loaded: ${this.failed.message}. Try again` : "Load older entries";
  }
}
