/** What a log viewer says around its list: chips, totals, why it is empty, what a gap was. Pure. */

import { formatCount, plural } from "./format.js";
import { LEVELS, levelClass, levelValue } from "./levels.js";

/** So many entries behind, and a stream is not live but catching up: more than a batch (2,000) and what waits. */
const BEHIND = 3000;

/** The level filter as buttons with counts. */
export function chipsOf(counts, lowest) {
  return LEVELS.map(({ name, label, glyph, value }) => {
    const on = value >= levelValue(lowest);
    const count = formatCount(counts?.[name]);
    const title = `Show ${label.toLowerCase()}${name === "error" ? "s only" : " and above"}`;
    return { name, label, glyph, on, count, title, className: `${levelClass(name)}${on ? " is-on" : ""}` };
  });
}

/** `Showing 500 of 1,380 filtered (1,542 total)`; without counts, what is loaded. */
export function totalsOf({ displayedCount, totalCount, logs }) {
  const loaded = formatCount(logs.length);
  if (totalCount === null) return logs.length > 0 ? `Showing ${loaded}` : "";
  return `Showing ${loaded} of ${formatCount(displayedCount)} filtered (${formatCount(totalCount)} total)`;
}

/** Why there is no entry. */
export function emptyWords({ logs, state, totalCount, displayedCount, filters }) {
  if (logs.length > 0 || state === "failed") return "";
  if (totalCount > 0 && displayedCount === 0) return "No entries at this level";
  if (totalCount === null && ["live", "ended"].includes(state)) return filters.q ? "No entry has this text" : "";
  if (state === "ended") return totalCount > 0 ? "" : "This job logged nothing";
  return state === "live" && totalCount === 0 ? "Waiting for the first entry" : "";
}

/** What was left out, and where it is. */
export function gapWords({ count, reason }) {
  const entries = plural(count, "entry", "entries");
  if (reason === "retention") return `${entries} were deleted by retention`;
  return `${entries} were skipped to keep up; scroll up to load them`;
}

/** How many entries are stored and not here yet; 0 where that is nothing to speak of. */
export function behindOf({ behind, state, paused }) {
  return state === "live" && !paused && behind >= BEHIND ? behind : 0;
}
