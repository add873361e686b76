/** Jobs and steps as the page shows them: plain values with every word made. Pure. */

import { elapsed, formatAgo, formatCount, formatDuration, formatTimestamp, plural } from "./format.js";
import { noCounts, sumCounts } from "./levels.js";
import { makeFragment } from "./routes.js";
import { statusOf } from "./statuses.js";

/** Workers' states -> parts of the bar, as they are drawn; work under way is not yet progress. */
const PARTS = { completed: "completed", failed: "failed", cancelled: "cancelled", running: "active" };

/** Ended with all that was to be done. */
const WHOLE = new Set(["completed", "warning"]);

/** @returns what a row of the step list shows; `now` in milliseconds since 1970 */
export function stepView(step, now) {
  const counts = step.counts ?? noCounts();
  const status = statusOf(step.status);
  return {
    id: step.id,
    name: step.name,
    type: step.type,
    status,
    duration: formatDuration(elapsed(step.started_at, step.finished_at, now)),
    progress: step.progress ?? 0,
    parts: barParts(step),
    text: progressText(step),
    title: step.depends?.length ? `${step.name}, after ${step.depends.join(", ")}` : step.name,
    entries: formatCount(sumCounts(counts)),
    warnings: counts.warn ? formatCount(counts.warn) : "",
    warningsTitle: plural(counts.warn, "warning"),
    errors: counts.error ? formatCount(counts.error) : "",
    errorsTitle: plural(counts.error, "error"),
    error: step.error ?? "",
    query: `?${new URLSearchParams({ step: step.name })}`,
    attempt: step.attempt > 1 ? `attempt ${step.attempt}` : "",
  };
}

/** The bar: a part for each state of the workers, or one for the step itself while it goes on: ended, it is whole. */
function barParts(step) {
  const workers = step.workers ?? {};
  const total = Object.values(workers).reduce((sum, count) => sum + count, 0);
  const status = statusOf(step.status);
  if (total === 0) return step.progress > 0 && !status.final ? [part(status.name, step.progress)] : [];
  const states = Object.keys(PARTS).filter((name) => workers[name] > 0);
  return states.map((name) => part(PARTS[name], (100 * workers[name]) / total));
}

function part(name, percent) {
  return { name, className: `bar-${name}`, width: `${Math.min(100, percent)}%` };
}

/** The step's own words; without them, the workers that there are. */
function progressText(step) {
  if (step.progress_text) return step.progress_text;
  const workers = Object.entries(step.workers ?? {}).filter(([, count]) => count > 0);
  return workers.map(([name, count]) => `${formatCount(count)} ${name}`).join(", ");
}

/** Whether a part of it can be run again on its own. */
function isRepairable({ final, name }) {
  return final && name !== "completed";
}

/** @returns what the header of a job shows */
export function jobView(job, now) {
  const status = statusOf(job.status);
  return {
    id: job.id,
    name: job.name || job.definition || job.id,
    definition: job.definition ?? "",
    definitionHref: makeFragment({ view: "definitions", params: { open: job.definition } }),
    status,
    progress: job.progress ?? 0,
    percent: status.final ? "" : `${job.progress ?? 0} %`,
    width: `${WHOLE.has(status.name) ? 100 : (job.progress ?? 0)}%`,
    started: job.started_at ? formatTimestamp(job.started_at, true).slice(0, -4) : "",
    ago: formatAgo(job.started_at ?? job.created_at, now),
    duration: formatDuration(elapsed(job.started_at, job.finished_at, now)),
    error: job.error ?? "",
    running: !status.final,
    repairable: isRepairable(status),
  };
}

/** @returns what a row of the list of jobs shows */
export function jobRow(job, now) {
  const counts = job.counts ?? noCounts();
  return {
    ...jobView(job, now),
    href: makeFragment({ view: "job", id: job.id }),
    trigger: job.trigger ?? "",
    node: job.node ? `on ${job.node}` : "",
    error: job.error ?? job.untaken ?? "",
    entries: formatCount(job.total_count ?? sumCounts(counts)),
    warnings: counts.warn ? formatCount(counts.warn) : "",
    errors: counts.error ? formatCount(counts.error) : "",
  };
}
