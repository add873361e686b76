/** Entries as text, as JSON, and as the command that shows the same. Pure. */

import { withoutAnsi } from "./ansi.js";
import { LEVELS, levelOf } from "./levels.js";

/** What a shell takes as it is. */
const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A line for each entry: time, level, where it comes from, message, fields. */
export function entriesAsText(entries) {
  return entries.map(lineOf).join("\n");
}

/** What was logged, and nothing else. */
export function messagesOf(entries) {
  return entries.map(({ message }) => withoutAnsi(message)).join("\n");
}

/** An object for each entry, one a line. */
export function entriesAsJson(entries) {
  return entries.map((entry) => JSON.stringify(entry)).join("\n");
}

/**
 * `quaero tail …` for the entries from one to another: what a colleague can paste into a shell.
 *
 * @param {string} jobId
 * @param {string} since the cursor before the first entry
 * @param {number} count
 * @param {{level?: string, step?: string, worker?: string, q?: string}} filters
 */
export function tailCommand(jobId, since, count, { level, step, worker, q } = {}) {
  const words = ["quaero", "tail", jobId, "--since", since, "-n", "all", "--no-follow"];
  const options = { "--level": level ?? LEVELS[0].name, "--step": step, "--worker": worker, "--grep": q };
  for (const [name, value] of Object.entries(options)) if (value) words.push(name, value);
  // `-n` counts from the end; what is wanted is what follows the place.
  return `${words.map(shellWord).join(" ")} | head -n ${count}`;
}

function lineOf({ timestamp, level, step_name: step, worker, originator, message, fields }) {
  const origin = worker ?? step ?? "";
  const mark = originator ? `[${originator}] ` : "";
  const more = fields && Object.keys(fields).length > 0 ? `  ${JSON.stringify(fields)}` : "";
  return [timestamp, levelOf(level).name.padEnd(5), origin, `${mark}${withoutAnsi(message)}${more}`]
    .filter(Boolean).join("  ");
}

function shellWord(text) {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
