/** The unfolded part of a row: the whole message, every field, and where the entry comes from. */

import { element } from "./dom.js";
import { formatTimestamp } from "../lib/format.js";
import { withoutAnsi } from "../lib/ansi.js";
import { fieldText, visibleLines } from "../lib/text.js";

/** @returns {HTMLElement} the details of an entry */
export function logDetails(entry) {
  const rows = [...fieldRows(entry.fields), ...originRows(entry)];
  const list = element("dl", "log-facts", ...rows.flatMap(fact));
  return element("div", "log-details", element("div", "log-whole", visibleLines(unfolded(entry.message))), list);
}

/** JSON with a line for each key; anything else as it is, without colours. */
function unfolded(message) {
  const text = withoutAnsi(message);
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // only looks like JSON
  }
}

function fieldRows(fields) {
  return Object.entries(fields ?? {}).map(([name, value]) => [name, valueText(value), "log-fact-field"]);
}

function valueText(value) {
  return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : fieldText(value);
}

function originRows(entry) {
  const rows = [
    ["time", formatTimestamp(entry.timestamp, { date: true, utc: true })],
    ["from", [entry.step_name, entry.worker, entry.source].filter(Boolean).join(" › ")],
    ["line", lineText(entry)],
  ];
  return rows.filter(([, text]) => text).map(([name, text]) => [name, text, "log-fact-origin"]);
}

function lineText(entry) {
  if (entry.line_number === undefined) return `entry ${entry.id}`;
  const ofStep = entry.step_name ? `${entry.line_number} of ${entry.step_name}` : String(entry.line_number);
  return entry.job_line === undefined ? ofStep : `${ofStep}, ${entry.job_line} of the job`;
}

function fact([name, text, className]) {
  return [element("dt", className, visibleLines(name)), element("dd", className, visibleLines(text))];
}
