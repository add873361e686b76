/**
 * The address after `#`, read and made. Pure. The token is in it once, and never again.
 *
 *   #/job/7k3qm2xd?level=warn&step=fetch#L1200-1210
 *
 * A view, an id where the view has one, the view's state as a query, and lines of the log that are pointed at.
 */

/** Views that are about one thing, by the word in the address. */
const WITH_ID = new Set(["job", "document"]);
const ALONE = new Set(["service", "definitions", "documents", "workers"]);

/** `{view, id, params, lines, token}` of a fragment; what is not known is the list of jobs. */
export function parseFragment(fragment) {
  const text = fragment.replace(/^#/, "");
  const given = /^t=([^&]+)$/.exec(text);
  if (given) return route("jobs", { token: decoded(given[1]) });
  const [, path, query, lines] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text) ?? ["", "", "", ""];
  const rest = { params: readQuery(query), lines: parseLines(lines) };
  const [, view, id] = /^\/([a-z]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (WITH_ID.has(view) && id) return route(view, { id: decoded(id), ...rest });
  return route(ALONE.has(view) && !id ? view : "jobs", rest);
}

/** The fragment of a view, with the `#`. Empty values are left out of the query. */
export function makeFragment({ view = "jobs", id = null, params = {}, lines = null }) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  const place = view === "jobs" ? "/" : `/${view}`;
  return `#${place}${id === null ? "" : `/${encodeURIComponent(id)}`}${query && `?${query}`}${linesText(lines)}`;
}

/** `L1200-1210` -> `{from: 1200, to: 1210}`; null for anything else. */
export function parseLines(text) {
  const [, first, last] = /^L?([1-9]\d{0,14})(?:-L?([1-9]\d{0,14}))?$/.exec(text ?? "") ?? [];
  if (!first) return null;
  const ends = [Number(first), Number(last ?? first)];
  return { from: Math.min(...ends), to: Math.max(...ends) };
}

/** `#L1200-1210`; nothing for no lines. */
export function linesText(lines) {
  if (!lines) return "";
  return lines.from === lines.to ? `#L${lines.from}` : `#L${lines.from}-${lines.to}`;
}

function route(view, { id = null, params = {}, lines = null, token = null } = {}) {
  return { view, id, params, lines, token };
}

function readQuery(query) {
  return Object.fromEntries(new URLSearchParams(query ?? ""));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign
  }
}
