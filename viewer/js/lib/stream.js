/**
 * `LogStream`: one live view of the log. It ties together the connection, the window of entries and the state, and
 * tells its callbacks what happened. Runs anywhere; what it needs of a browser comes in by the environment.
 */

import { authorization } from "./api.js";
import { Connection } from "./connection.js";
import { History } from "./history.js";
import { LogWindow } from "./log-window.js";
import { buildQueryParams, filtersOf, sameFilters } from "./query.js";
import { StreamState } from "./stream-state.js";

/** How much one page of history holds. */
export const PAGE = 500;

/** What a stalled stream fetches before it is opened again; the stream itself brings the rest. */
const CATCH_UP = 1000;

const CALLBACKS = [
  "onLogs", "onStatus", "onConnect", "onDisconnect", "onError", "onGap", "onEnd", // the protocol's
  "onState", "onReset", // for views: the connection's state, and that the window was replaced
];

export class LogStream {
  #environment;
  #connection;
  #window;
  #history;
  #state = new StreamState();
  #ended = new Set();
  #told = new Set();
  #replace = true;
  #connected = false;
  #heldSince = 0;

  /**
   * @param {string} endpoint address of an SSE stream of this protocol
   * @param {object} options the filters (`scope`, `job_id`, `step`, `level`, `limit`, `since`, `q`, `skip`), the
   *   callbacks, and `token` (a text or a function), `transport`, `maxEntries`, `apiEndpoint`
   * @param {object} environment see environment.js
   */
  constructor(endpoint, options, environment) {
    this.endpoint = String(endpoint);
    this.apiEndpoint = options.apiEndpoint ?? this.endpoint.replace(/\/stream$/, "");
    this.filters = filtersOf(options);
    buildQueryParams(this.filters);
    this.#environment = environment;
    this.token = options.token ?? environment.token;
    this.#window = new LogWindow(options.maxEntries);
    this.#history = new History(this.#window, this.apiEndpoint, environment, () => this.#token());
    this.paused = false;
    /** Whether the reader is at the end, so that the oldest entries may go; a view sets it. */
    this.following = true;
    for (const name of CALLBACKS) this[name] = options[name] ?? null;
    this.#connection = new Connection(this.#owner(), environment, { transport: options.transport });
    if (options.since) this.#connection.cursor = String(options.since);
  }

  /** Open the stream; does nothing when it is open. `filters` are changed first, as by `setFilters`. */
  connect(filters = {}) {
    this.setFilters(filters);
    this.#connection.open();
    return this;
  }

  /** Close it. What was read stays, and `connect` goes on behind it. */
  disconnect() {
    this.#connection.close();
  }

  /** Drop the connection and open it at once, behind what was read. */
  reconnect(filters = {}) {
    this.setFilters(filters);
    this.#connection.reopen();
  }

  /** Change some filters, keep the others. The entries stay until the first ones of the new view are here. */
  setFilters(patch) {
    const filters = { ...this.filters, ...patch };
    if (sameFilters(filters, this.filters)) return;
    this.filters = filters;
    this.#replace = true;
    this.#history.forget();
    this.#ended.clear();
    this.#connection.cursor = null;
    const { state } = this.#connection;
    if (state !== "idle") this.#connection.reopen();
  }

  /** Leave `logs` as it is. The stream goes on; counts and states are kept up to date. */
  pause() {
    if (this.paused) return;
    this.paused = true;
    this.#heldSince = this.#window.newestId;
  }

  /** Show what has gathered meanwhile, and go on. */
  resume() {
    if (!this.paused) return;
    this.paused = false;
    this.following = true;
    this.jumpToLatest();
    const missed = this.logs.filter((entry) => entry.id > this.#heldSince);
    if (missed.length > 0) this.#tell("onLogs", missed, this.#meta());
  }

  /** Forget the entries shown; those before are one `loadOlder` away, the stream goes on. */
  clear() {
    this.#window.clear();
    this.#tell("onReset");
  }

  /** Fetch up to `count` entries before the first of `logs`; returns how many came. One request at a time. */
  loadOlder(count = PAGE) {
    return this.#history.loadOlder(this.filters, count);
  }

  /** The way back down: up to `count` entries behind the last of `logs`; returns how many came. */
  loadNewer(count = PAGE) {
    return this.#history.loadNewer(this.filters, count);
  }

  /** Make `logs` hold what lies around an entry, wherever it is in the log; the stream goes on meanwhile. */
  async jumpTo(id) {
    this.following = false;
    if (this.indexOf(id) < 0) await this.#history.jump(this.filters, id, PAGE);
    return this.#window.positionOf(id);
  }

  /** Make `logs` end with the newest entry again. */
  jumpToLatest() {
    this.#window.release();
  }

  /** Everything at once, as plain values, for showing or for a test. */
  getState() {
    const { state, connected, totalCount, displayedCount, counts, status, steps, lastEventTime, paused } = this;
    const { cursor, attempt, retryAt, error } = this.#connection;
    const filters = { ...this.filters };
    const held = { logs: this.logs.slice(), pending: this.pending, hasOlder: this.hasOlder };
    return {
      state, connected, paused, filters, ...held, totalCount, displayedCount, counts, status, steps, lastEventTime,
      cursor, attempt, retryAt, error,
    };
  }

  /** The entries held, oldest first, without a hole. To be read only. */
  get logs() { return this.#window.entries; }
  /** Index of `logs[0]` that does not change while entries join or leave. */
  get base() { return this.#window.base; }
  /** Newer entries that wait: the reader paused, or is reading far above. */
  get pending() { return this.#window.held.length; }
  /** Whether entries behind the last of `logs` are known. */
  get hasNewer() { return this.#window.detached; }
  /** Whether there are entries before the first of `logs`. */
  get hasOlder() { return this.#window.hasOlder; }
  get totalCount() { return this.#state.totalCount; }
  get displayedCount() { return this.#state.displayedCount; }
  get counts() { return this.#state.counts; }
  /** The job (or service) as the server last described it. */
  get status() { return this.#state.status; }
  get steps() { return this.#state.steps; }
  /** `idle connecting live stale retrying ended failed` */
  get state() { return this.#connection.state; }
  get connected() { return this.state === "live"; }
  get lastEventTime() { return this.#connection.lastEventTime; }
  /** When the next try is due, in milliseconds since 1970; null when none is. */
  get retryAt() { return this.#connection.retryAt; }
  /** Why the connection is not there; null when it is. */
  get error() { return this.#connection.error; }

  /** The place behind what was read, as the server wrote it; null before the first answer. */
  get cursor() { return this.#connection.cursor; }

  /** The position in `logs` of the entry with this id, or -1. */
  indexOf(id) {
    return this.#window.indexOf(id);
  }

  #owner() {
    return {
      request: (cursor) => this.#request(cursor),
      onEvent: (name, data) => this.#onEvent(name, data),
      catchUp: (cursor) => this.#catchUp(cursor),
      onState: (state) => this.#onState(state),
      onFailure: (error) => this.#tell("onError", error),
    };
  }

  #request(cursor) {
    const query = buildQueryParams({ ...this.filters, since: cursor ?? undefined });
    return { url: `${this.endpoint}?${query}`, headers: authorization(this.#token()) };
  }

  #token() {
    return typeof this.token === "function" ? this.token() : this.token;
  }

  #onEvent(name, data) {
    switch (name) {
      case "logs":
        this.#onLogs(data);
        break;
      case "status":
        this.#state.takeStatus(data, this.#replace ? null : this.filters);
        this.#tell("onStatus", data);
        break;
      case "gap":
        this.#onGap(data);
        break;
      case "reset":
        this.#startAfresh();
        break;
      case "end":
        return this.#onEnd(data);
    }
    return false;
  }

  #onLogs({ logs, meta }) {
    const replaced = this.#replace;
    if (replaced) {
      this.#replace = false;
      this.#window.reset();
      this.#window.hasOlder = meta.has_more;
    }
    this.#state.takeMeta(meta);
    const fresh = this.#window.append(logs, { hold: this.paused && !replaced, following: this.following });
    if (replaced) this.#tell("onReset");
    if (replaced || (fresh.length > 0 && !this.paused)) this.#tell("onLogs", fresh, meta);
  }

  #onGap(gap) {
    if (gap.reason === "lag") this.#window.skip(gap.to_id, { hold: this.paused, following: this.following });
    this.#tell("onGap", gap);
  }

  /** The store behind the address is another one: nothing that was read means anything any more. */
  #startAfresh() {
    this.#window.reset();
    this.#state.reset();
    this.#ended.clear();
    this.#told.clear();
    this.#history.forget();
    this.#replace = true;
    this.#tell("onReset");
  }

  #onEnd(end) {
    this.#state.takeEnd(end, this.filters);
    this.#ended.add(end.job_id);
    if (!this.#told.has(end.job_id)) {
      this.#told.add(end.job_id);
      this.#tell("onEnd", end);
    }
    return [this.filters.job_id].flat().every((id) => this.#ended.has(id));
  }

  #onState(state) {
    // "connecting" tells nobody: on the way from one request to the next the reader has lost nothing.
    if (state !== "connecting" && this.#connected !== (state === "live")) {
      this.#connected = state === "live";
      if (this.#connected) this.#tell("onConnect");
      else this.#tell("onDisconnect", { state });
    }
    this.#tell("onState", state);
  }

  async #catchUp(cursor) {
    if (cursor === null) return;
    const { filters } = this;
    const page = await this.#history.page(filters, { since: cursor, limit: CATCH_UP });
    if (filters === this.filters && page.logs.length > 0) this.#onLogs(page);
  }

  #meta() {
    const { totalCount: total_count, displayedCount: displayed_count, counts, hasOlder: has_more } = this;
    const ids = { oldest_id: this.logs[0]?.id ?? null, newest_id: this.logs.at(-1)?.id ?? null };
    return { total_count, displayed_count, counts, has_more, ...ids };
  }

  /** A callback that throws is its owner's affair: it is reported, and the stream goes on. */
  #tell(name, ...args) {
    try {
      this[name]?.(...args);
    } catch (error) {
      this.#environment.report(error);
    }
  }
}
