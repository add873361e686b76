/**
 * Filters -> query string, for the stream and for the pages behind it. Pure.
 *
 * The filters' names are those of the wire protocol. An unknown one is refused here: left out in silence, a misspelt
 * `job_id` would show another scope's entries.
 */

const ORDER = [
  "scope", "job_id", "step", "level", "limit", "since", "before", "around", "q", "worker", "originator", "skip",
];
const KNOWN = new Set(ORDER);

/** What only the stream knows: a page is never "far behind". */
const STREAM_ONLY = ["skip"];

/** What says where to read, rather than what. */
const POSITIONS = ["since", "before", "around", "limit"];

/**
 * Return `filters` as a query string without the question mark, in a fixed order. Empty values are left out, lists
 * are repeated, `true` becomes `1`.
 *
 * @throws {TypeError} on a name that the protocol does not have
 */
export function buildQueryParams(filters = {}) {
  checkNames(filters);
  const query = new URLSearchParams();
  for (const name of ORDER) {
    for (const value of [filters[name]].flat()) {
      if (!isEmpty(value)) query.append(name, value === true ? "1" : String(value));
    }
  }
  return query.toString();
}

/** The same filters for `GET /api/logs`, at another place: `{before: 18231, limit: 500}`. */
export function pageQuery(filters, position) {
  const page = { ...filters };
  for (const name of [...STREAM_ONLY, ...POSITIONS]) delete page[name];
  return buildQueryParams({ ...page, ...position });
}

/** Whether two sets of filters ask for the same entries. */
export function sameFilters(one, other) {
  return buildQueryParams(one) === buildQueryParams(other);
}

/** Pick the filters out of an options object. */
export function filtersOf(options) {
  return Object.fromEntries(ORDER.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}

function checkNames(filters) {
  for (const name of Object.keys(filters)) {
    if (!KNOWN.has(name)) throw new TypeError(`unknown filter ${name}: known are ${ORDER.join(", ")}`);
  }
}

function isEmpty(value) {
  return value === undefined || value === null || value === "" || value === false;
}
