/**
 * The one table of log levels: order, glyph, class. Every other file asks here.
 *
 * A level filter is always a threshold, for rows and for counts alike.
 */

/** Lowest first. The glyph differs by shape, so that meaning is never in colour alone. */
export const LEVELS = Object.freeze([
  Object.freeze({ name: "debug", label: "Debug", value: 10, glyph: "·" }),
  Object.freeze({ name: "info", label: "Info", value: 20, glyph: "•" }),
  Object.freeze({ name: "warn", label: "Warn", value: 30, glyph: "▲" }),
  Object.freeze({ name: "error", label: "Error", value: 40, glyph: "✗" }),
]);

/** What the stream uses when no level is asked for (wire protocol). */
export const DEFAULT_LEVEL = "info";

const BY_NAME = new Map(LEVELS.map((level) => [level.name, level]));

/** The level's row of the table; a word that is none of the four counts as info. */
export function levelOf(name) {
  return BY_NAME.get(name) ?? BY_NAME.get(DEFAULT_LEVEL);
}

/** The level as a number that can be compared. */
export function levelValue(name) {
  return levelOf(name).value;
}

/** The CSS class of a row of this level: `log-level-error`. */
export function levelClass(name) {
  return `log-level-${levelOf(name).name}`;
}

/** Counts of nothing. */
export function noCounts() {
  return { debug: 0, info: 0, warn: 0, error: 0 };
}

/** Entries over all levels, or those at `level` and above. */
export function sumCounts(counts, level = "debug") {
  const lowest = levelValue(level);
  return LEVELS.reduce((sum, { name, value }) => (value >= lowest ? sum + (counts[name] ?? 0) : sum), 0);
}

/** Level by level the larger of two counts: counts only grow, so the larger one is the newer one. */
export function laterCounts(one, other) {
  return Object.fromEntries(LEVELS.map(({ name }) => [name, Math.max(one[name] ?? 0, other[name] ?? 0)]));
}
