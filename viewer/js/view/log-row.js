/**
 * One row of the log: its elements are made once and shown with another entry when they are needed elsewhere.
 *
 * Only text nodes and classes change, so that a page that watches for new elements (Alpine does) sees none.
 */

import { element, setClass, setText, textElement } from "./dom.js";
import { logDetails } from "./log-details.js";
import { formatTimestamp } from "../lib/format.js";
import { levelClass, levelOf } from "../lib/levels.js";
import { fieldsLine, visibleLine } from "../lib/text.js";

/** Colours that tell steps apart; see `.log-hue-0` and following in css/log-view.css. */
const HUES = 8;

/** A row shows so much of a message; all of it is in the unfolded part. */
const LONGEST_MESSAGE = 1000;

const hues = new Map();

export class LogRow {
  #texts = {};
  #details = null;

  constructor(id) {
    this.entry = null;
    this.open = false;
    this.line = element("div", "log-line", ...this.#columns());
    this.element = element("div", "", this.line);
    this.element.id = id;
    this.element.setAttribute("role", "listitem");
  }

  /** Show an entry. `position` is its place in the list from 1, `number` what its gutter says. */
  show(entry, { number, position, size, open, active }) {
    const marks = `${open ? " is-open" : ""}${active ? " is-active" : ""}`;
    setClass(this.element, `log-row ${levelClass(entry.level)}${marks}`);
    setAttribute(this.element, "aria-posinset", position);
    setAttribute(this.element, "aria-setsize", size);
    setText(this.#texts.number, String(number ?? ""));
    if (entry === this.entry && open === this.open) return;
    if (entry !== this.entry) this.#fill(entry);
    this.#unfold(entry, open);
    this.entry = entry;
    this.open = open;
  }

  #columns() {
    const columns = ["number", "time", "level"].map((name) => this.#column(name));
    const message = ["origin", "message", "fields"].map((name) => this.#column(name));
    this.step = element("span", "log-step", this.#column("step-name"), this.#column("worker"));
    return [...columns, this.step, element("span", "log-text", ...message)];
  }

  #column(name) {
    const [column, text] = textElement("span", `log-${name}`);
    this.#texts[name] = text;
    return column;
  }

  #fill(entry) {
    const texts = this.#texts;
    const level = levelOf(entry.level);
    const [step, worker] = stepAndWorker(entry);
    setText(texts.time, formatTimestamp(entry.timestamp));
    setText(texts.level, `${level.glyph} ${level.name}`);
    setText(texts["step-name"], step);
    setText(texts.worker, worker);
    setClass(this.step, `log-step log-hue-${hueOf(entry.step_name ?? "")}`);
    setText(texts.origin, entry.originator ? `[${entry.originator}] ` : "");
    setText(texts.message, visibleLine(clipped(entry.message)));
    setText(texts.fields, fieldsLine(entry.fields));
  }

  #unfold(entry, open) {
    if (this.#details) this.#details.remove();
    this.#details = open ? logDetails(entry) : null;
    if (this.#details) this.element.append(this.#details);
  }
}

function clipped(message) {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
}

function setAttribute(target, name, value) {
  const text = String(value);
  if (target.getAttribute(name) !== text) target.setAttribute(name, text);
}

/** `fetch` and `-17` of the worker `fetch-17`: where there is no room, the name is cut and the number stays. */
function stepAndWorker({ step_name: step, worker = "", source }) {
  if (!step) return [source, worker];
  return [step, worker.startsWith(step) ? worker.slice(step.length) : ` ${worker}`.trimEnd()];
}

/** Always the same colour for the same name. */
function hueOf(name) {
  let hue = hues.get(name);
  if (hue === undefined) {
    let hash = 0;
    for (const character of name) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
    hue = name ? hash % HUES : 0;
    hues.set(name, hue);
  }
  return hue;
}
