/** Where time went: steps and workers as bars on one axis. Pure arithmetic; drawn by view/gantt.js. */

import { elapsed, formatDuration } from "./format.js";

/** Workers share lanes as long as they do not overlap; beyond this many, the lanes tell no more. */
const MOST_LANES = 16;
/** And this many bars a step: the longest ones say where time went. */
const MOST_BARS = 400;
/** How much of the axis a label takes. */
const TICK_WIDTH = 0.07;
const TICKS = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400,
  43_200, 86_400,
];

/**
 * @param {object[]} steps with `name`, `status`, `started_at`, `finished_at`
 * @param {object[]} workers the same; a worker's name is its step's and a number
 * @param {number} now milliseconds since 1970
 * @returns {{ticks: object[], rows: object[], span: number}} positions in percent of the whole
 */
export function layoutGantt(steps, workers, now) {
  const begun = [...steps, ...workers].filter(({ started_at: at }) => at);
  if (begun.length === 0) return { ticks: [], rows: [], span: 0 };
  const start = Math.min(...begun.map(({ started_at: at }) => Date.parse(at)));
  const end = Math.max(start + 1, ...begun.map(({ finished_at: at }) => (at ? Date.parse(at) : now)));
  const axis = { start, span: end - start, now };
  const rows = steps.map((step) => stepRow(step, workersOf(step.name, workers), axis));
  return { ticks: ticksOf(axis.span), rows, span: axis.span };
}

/** `fetch-17` -> `fetch`. */
export function stepOf(worker) {
  return worker.slice(0, Math.max(0, worker.lastIndexOf("-")));
}

function workersOf(step, workers) {
  return workers.filter(({ name, started_at: at }) => at && stepOf(name) === step);
}

function stepRow(step, workers, axis) {
  const byLength = [...workers].sort((one, other) => lengthOf(other, axis) - lengthOf(one, axis));
  const drawn = new Set(byLength.slice(0, MOST_BARS));
  const longest = workers.filter((worker) => drawn.has(worker));
  const duration = formatDuration(elapsed(step.started_at, step.finished_at, axis.now));
  return {
    name: step.name,
    status: step.status,
    duration,
    bar: step.started_at ? barOf(step, axis) : null,
    lanes: lanesOf(longest, axis),
    hidden: workers.length - longest.length,
  };
}

function lengthOf({ started_at: from, finished_at: to }, { now }) {
  return elapsed(from, to, now);
}

/** The first lane in which the one before has ended; the last takes all that do not fit. */
function lanesOf(workers, axis) {
  const lanes = [];
  const ends = [];
  const inOrder = [...workers].sort((one, other) => Date.parse(one.started_at) - Date.parse(other.started_at));
  for (const worker of inOrder) {
    const from = Date.parse(worker.started_at);
    let at = ends.findIndex((end) => end <= from);
    if (at < 0) at = Math.min(lanes.length, MOST_LANES - 1);
    (lanes[at] ??= []).push(barOf(worker, axis));
    ends[at] = worker.finished_at ? Date.parse(worker.finished_at) : Infinity;
  }
  return lanes;
}

function barOf(item, { start, span, now }) {
  const from = Date.parse(item.started_at);
  const to = item.finished_at ? Date.parse(item.finished_at) : now;
  const label = item.label ? ` ${item.label}` : "";
  return {
    left: (100 * (from - start)) / span,
    width: Math.max(0.15, (100 * (to - from)) / span),
    status: item.status,
    title: `${item.name}${label}: ${item.status}, ${formatDuration(to - from)}`,
    name: item.name,
  };
}

function ticksOf(span) {
  const seconds = Math.max(span / 1000, TICKS[0]);
  const step = TICKS.find((each) => seconds / each <= 8) ?? TICKS.at(-1);
  const count = Math.floor((seconds * (1 - TICK_WIDTH)) / step); // a label at the very end would be cut
  if (count === 0) return [];
  return Array.from({ length: count }, (_, at) => ({
    left: (100 * (at + 1) * step) / seconds,
    label: formatDuration((at + 1) * step * 1000),
  }));
}
