/**
 * `LogStream`: one live view of the log. It ties together the connection, the window of entries and the state, and
 * tells its callbacks what happened. Runs anywhere; what it needs of a browser comes in by the environment.
 */

import { Connection } from "./connection.js";
import { History, PAGE } from "./history.js";
import { LogWindow } from "./log-window.js";
import { buildQueryParams, filtersOf, sameFilters } from "./query.js";
import { StreamReader } from "./stream-reader.js";
import { StreamState } from "./stream-state.js";

const CALLBACKS = [
  "onLogs", "onStatus", "onConnect", "onDisconnect", "onError", "onGap", "onEnd", // the protocol's
  "onState", "onReset", // for views: the connection's state, and that the window was replaced
];

export class LogStream {
  #connection;
  #window;
  #history;
  #reader;
  #state = new StreamState();
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
    this.token = options.token ?? environment.token;
    this.#window = new LogWindow(options.maxEntries);
    this.#history = new History(this.#window, this.apiEndpoint, environment, () => this.currentToken);
    const parts = { window: this.#window, state: this.#state, history: this.#history };
    this.#reader = new StreamReader(this, parts, environment.report);
    this.paused = false;
    /** Whether the reader is at the end, so that the oldest entries may go; a view sets it. */
    this.following = true;
    for (const name of CALLBACKS) this[name] = options[name] ?? null;
    this.#connection = new Connection(this.#reader.owner, environment, { transport: options.transport });
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
    this.#reader.beginView();
    this.#history.forget();
    this.#connection.cursor = null;
    if (this.state !== "idle") this.#connection.reopen();
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
    if (missed.length > 0) this.#reader.tell("onLogs", missed, this.#meta());
  }

  /** Forget the entries shown; those before are one `loadOlder` away, the stream goes on. */
  clear() {
    this.#window.clear();
    this.#reader.tell("onReset");
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
  /** Entries that the filters let through, stored and not here yet. */
  get behind() { return this.#state.behind; }
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

  /** The token for the next request; null when there is none. */
  get currentToken() {
    return typeof this.token === "function" ? this.token() : this.token;
  }

  #meta() {
    const { totalCount: total_count, displayedCount: displayed_count, counts, hasOlder: has_more } = this;
    const ids = { oldest_id: this.logs[0]?.id ?? null, newest_id: this.logs.at(-1)?.id ?? null };
    return { total_count, displayed_count, counts, has_more, ...ids };
  }
}
