/** The one table of statuses: word, glyph (the same as in the terminal), whether something can follow. */

const TABLE = {
  pending: { word: "Pending", glyph: "○", final: false },
  running: { word: "Running", glyph: "●", final: false },
  completed: { word: "Completed", glyph: "✓", final: true },
  warning: { word: "Warnings", glyph: "▲", final: true },
  failed: { word: "Failed", glyph: "✗", final: true },
  cancelled: { word: "Cancelled", glyph: "■", final: true },
  skipped: { word: "Skipped", glyph: "·", final: true },
  interrupted: { word: "Interrupted", glyph: "↯", final: true },
};

/** Every status a job can have, in the order of a job's life. */
export const STATUSES = Object.freeze(Object.keys(TABLE).filter((name) => name !== "skipped"));

/** Word, glyph and CSS class of a status; one that is not known is shown by its own name. */
export function statusOf(name) {
  const known = TABLE[name] ?? { word: name ?? "Unknown", glyph: "?", final: false };
  return { ...known, name, className: `status-${name in TABLE ? name : "unknown"}` };
}

/** Whether nothing can follow this status. */
export function isFinal(name) {
  return statusOf(name).final;
}
