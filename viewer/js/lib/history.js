/**
 * Pages of `GET /api/logs` around the window: what is older than it, what lies between it and the live end, and what
 * a silent stream missed. One request at a time; an answer that comes after the filters have changed is dropped.
 */

import { requestJson } from "./api.js";
import { pageQuery } from "./query.js";

/** How much one page holds. The server gives no more than this of its own log; of a job's it would give ten times. */
export const PAGE = 500;

export class History {
  #window;
  #endpoint;
  #environment;
  #token;
  #loading = null;

  /**
   * @param {import("./log-window.js").LogWindow} window takes the entries
   * @param {string} endpoint address of the pages
   * @param {object} environment see environment.js
   * @param {() => string | null} token
   */
  constructor(window, endpoint, environment, token) {
    this.#window = window;
    this.#endpoint = endpoint;
    this.#environment = environment;
    this.#token = token;
  }

  /** Drop the answer of the request that is under way: it is about another view. */
  forget() {
    this.#loading = null;
  }

  /** Fetch up to `count` entries before the window; returns how many came. */
  loadOlder(filters, count) {
    if (!this.#window.hasOlder) return Promise.resolve(0);
    return this.#load(filters, { before: this.#window.oldestId, limit: count }, ({ logs, meta }) => {
      this.#window.hasOlder = meta.has_more;
      return this.#window.prepend(logs);
    });
  }

  /** Take, or fetch, up to `count` entries behind the window; returns how many came. */
  loadNewer(filters, count) {
    if (!this.#window.torn) return Promise.resolve(this.#window.advance());
    const last = this.#window.entries.at(-1)?.id ?? 0;
    return this.#load(filters, { since: last, limit: count }, ({ logs }) => {
      const firstHeld = this.#window.held[0]?.id ?? Infinity;
      const mended = logs.length < count || logs.at(-1).id >= firstHeld;
      const added = this.#window.extend(logs);
      if (mended) this.#window.mend();
      return added;
    });
  }

  /** Put the `count` entries around a place into the window, unless the view changes meanwhile. */
  async jump(filters, id, count) {
    this.forget();
    const place = Promise.resolve(0);
    this.#loading = place; // nothing else is loaded meanwhile
    try {
      const { logs, meta } = await this.page(filters, { around: id, limit: count });
      if (this.#loading === place) this.#window.jump(logs, meta.has_more);
    } finally {
      if (this.#loading === place) this.#loading = null;
    }
  }

  /** One page: `{logs, meta}`. */
  page(filters, position) {
    const url = `${this.#endpoint}?${pageQuery(filters, position)}`;
    return requestJson(url, this.#environment, { token: this.#token() });
  }

  #load(filters, position, take) {
    if (this.#loading) return this.#loading;
    const mine = () => this.#loading === loading;
    const loading = this.page(filters, position)
      .then((page) => (mine() ? take(page) : 0))
      .finally(() => {
        if (mine()) this.#loading = null;
      });
    this.#loading = loading;
    return loading;
  }
}
