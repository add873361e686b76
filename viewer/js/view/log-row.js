/**
 * One row of the log: its elements are made once and shown with another entry when they are needed elsewhere.
 *
 * Only text nodes and classes change, so that a page that watches for new elements (Alpine does) sees none.
 */

import { element, setClass, setText, textElement } from "./dom.js";
import { logDetails } from "./log-details.js";
import { hasAnsi, parseAnsi } from "../lib/ansi.js";
import { levelClass, levelOf } from "../lib/levels.js";
import { fieldsLine, visibleLine } from "../lib/text.js";
import { timeText } from "../lib/time-modes.js";

/** Colours that tell steps apart; see `.log-hue-0` and following in css/log-view.css. */
const HUES = 8;

/** A row shows so much of a message; all of it is in the unfolded part. */
const LONGEST_MESSAGE = 1000;

const hues = new Map();

export class LogRow {
  #texts = {};
  #details = null;
  #plain; // the text node of a message without colours
  #coloured = false;
  #version = -1; // of the display that the texts were made for

  constructor(id) {
    this.entry = null;
    this.open = false;
    this.line = element("div", "log-line", ...this.#columns());
    this.element = element("div", "", this.line);
    this.element.id = id;
    this.element.setAttribute("role", "listitem");
  }

  /** Show an entry. `position` is its place in the list from 1, `number` what its gutter says. */
  show(entry, { number, position, size, open, active, pointed, mark, display }) {
    const marks = `${open ? " is-open" : ""}${active ? " is-active" : ""}${pointed ? " is-pointed" : ""}`;
    setClass(this.element, `log-row ${levelClass(entry.level)}${marks}${mark ? " has-mark" : ""}`);
    setAttribute(this.element, "aria-posinset", position);
    setAttribute(this.element, "aria-setsize", size);
    setText(this.#texts.number, String(number ?? ""));
    setText(this.#texts.mark, mark ?? "");
    const same = entry === this.entry && display.version === this.#version;
    if (same && open === this.open) return;
    if (!same) this.#fill(entry, display);
    this.#unfold(entry, open);
    this.entry = entry;
    this.open = open;
    this.#version = display.version;
  }

  #columns() {
    const columns = ["mark", "number", "time", "level"].map((name) => this.#column(name));
    const [origin, fields] = ["origin", "fields"].map((name) => this.#column(name));
    this.step = element("span", "log-step", this.#column("step-name"), this.#column("worker"));
    [this.message, this.#plain] = textElement("span", "log-message");
    return [...columns, this.step, element("span", "log-text", origin, this.message, fields)];
  }

  #column(name) {
    const [column, text] = textElement("span", `log-${name}`);
    this.#texts[name] = text;
    return column;
  }

  #fill(entry, display) {
    const texts = this.#texts;
    const level = levelOf(entry.level);
    const [step, worker] = stepAndWorker(entry);
    setText(texts.time, timeText(entry.timestamp, display, Date.now()));
    setText(texts.level, `${level.glyph} ${level.name}`);
    setText(texts["step-name"], step);
    setText(texts.worker, worker);
    setClass(this.step, `log-step log-hue-${hueOf(entry.step_name ?? "")}`);
    setText(texts.origin, entry.originator ? `[${entry.originator}] ` : "");
    this.#say(display.wrap ? entry.message : clipped(entry.message));
    setText(texts.fields, fieldsLine(entry.fields));
  }

  /** A message without colours is one text node that stays; one with colours has spans, made anew. */
  #say(message) {
    const coloured = hasAnsi(message);
    if (coloured) {
      const spans = parseAnsi(message).map(({ text, className }) => element("span", className, visibleLine(text)));
      this.message.replaceChildren(...spans);
    } else if (this.#coloured) {
      this.message.replaceChildren(this.#plain);
    }
    this.#coloured = coloured;
    if (!coloured) setText(this.#plain, visibleLine(message));
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
