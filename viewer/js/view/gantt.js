/** Draws the timeline of a job: see lib/gantt-layout.js. */

import { element } from "./dom.js";
import { layoutGantt } from "../lib/gantt-layout.js";
import { statusOf } from "../lib/statuses.js";

/**
 * @param {HTMLElement} place takes the drawing
 * @param {{steps: object[], workers: object[]}} job
 * @param {(worker: string) => void} onWorker is told of a click on a worker's bar
 */
export function drawGantt(place, { steps, workers }, onWorker) {
  const { ticks, rows } = layoutGantt(steps, workers, Date.now());
  place.replaceChildren(element("div", "gantt-axis", ...ticks.map(tick)), ...rows.map((row) => rowOf(row, onWorker)));
}

function tick({ left, label }) {
  const made = element("span", "gantt-tick", label);
  made.style.left = `${left}%`;
  return made;
}

function rowOf({ name, status, duration, bar, lanes, hidden }, onWorker) {
  const { glyph, word, className } = statusOf(status);
  const texts = Object.entries({ glyph, name, time: duration });
  const words = texts.map(([part, text]) => element("span", `gantt-${part}`, text));
  const label = element("div", `gantt-label ${className}`, ...words);
  label.title = `${name}: ${word}`;
  const track = element("div", "gantt-track");
  if (bar) track.append(element("div", "gantt-lane is-step", barOf(bar)));
  for (const lane of lanes) track.append(element("div", "gantt-lane", ...lane.map((each) => barOf(each, onWorker))));
  if (hidden > 0) track.append(element("div", "gantt-more", `${hidden} shorter workers are not drawn`));
  return element("div", "gantt-row", label, track);
}

function barOf({ left, width, status, title, name }, onWorker = null) {
  const bar = element("span", `gantt-bar ${statusOf(status).className}`);
  bar.style.left = `${left}%`;
  bar.style.width = `${width}%`;
  bar.title = title;
  if (onWorker) bar.addEventListener("click", () => onWorker(name));
  return bar;
}
