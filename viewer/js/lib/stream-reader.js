/**
 * What a stream does with the events of its connection: entries go into the window, the rest into the state, and the
 * callbacks are told, in that order. A callback that throws is its owner's affair: it is reported, and the stream
 * goes on.
 */

import { authorization } from "./api.js";
import { PAGE } from "./history.js";
import { buildQueryParams } from "./query.js";

export class StreamReader {
  #stream;
  #window;
  #state;
  #history;
  #report;
  #ended = new Set(); // jobs, in this view
  #told = new Set(); // jobs whose end was told
  #replace = true; // the first batch of a view takes the place of what was there
  #connected = false;

  /**
   * @param {import("./stream.js").LogStream} stream has the filters, the callbacks, the addresses
   * @param {{window: object, state: object, history: object}} parts it fills
   * @param {(error: unknown) => void} report takes what a callback throws
   */
  constructor(stream, { window, state, history }, report) {
    this.#stream = stream;
    this.#window = window;
    this.#state = state;
    this.#history = history;
    this.#report = report;
  }

  /** The owner of a connection; see connection.js. */
  get owner() {
    return {
      request: (cursor) => this.#request(cursor),
      onEvent: (name, data) => this.#onEvent(name, data),
      catchUp: (cursor) => this.#catchUp(cursor),
      onState: (state) => this.#onState(state),
      onFailure: (error) => this.tell("onError", error),
    };
  }

  /** Another view begins: its first entries will replace those that are here. */
  beginView() {
    this.#replace = true;
    this.#ended.clear();
  }

  /** Call one of the callbacks. */
  tell(name, ...args) {
    try {
      this.#stream[name]?.(...args);
    } catch (error) {
      this.#report(error);
    }
  }

  #request(cursor) {
    const { endpoint, filters, currentToken } = this.#stream;
    const query = buildQueryParams({ ...filters, since: cursor ?? undefined });
    return { url: `${endpoint}?${query}`, headers: authorization(currentToken) };
  }

  #onEvent(name, data) {
    switch (name) {
      case "logs":
        this.#onLogs(data);
        break;
      case "status":
        this.#state.takeStatus(data, this.#replace ? null : this.#stream.filters);
        this.tell("onStatus", data);
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
    const { paused, following } = this.#stream;
    const replaced = this.#replace;
    if (replaced) {
      this.#replace = false;
      this.#window.reset();
      this.#window.hasOlder = meta.has_more;
    }
    this.#state.takeMeta(meta);
    const fresh = this.#window.append(logs, { hold: paused && !replaced, following });
    this.#state.countRead(fresh.length, replaced);
    if (replaced) this.tell("onReset");
    if (replaced || (fresh.length > 0 && !paused)) this.tell("onLogs", fresh, meta);
  }

  #onGap(gap) {
    const { paused, following } = this.#stream;
    this.#state.forgetRead();
    if (gap.reason === "lag") this.#window.skip(gap.to_id, { hold: paused, following });
    this.tell("onGap", gap);
  }

  /** The store behind the address is another one: nothing that was read means anything any more. */
  #startAfresh() {
    this.#window.reset();
    this.#state.reset();
    this.#told.clear();
    this.#history.forget();
    this.beginView();
    this.tell("onReset");
  }

  #onEnd(end) {
    const { filters } = this.#stream;
    this.#state.takeEnd(end, filters);
    this.#ended.add(end.job_id);
    if (!this.#told.has(end.job_id)) {
      this.#told.add(end.job_id);
      this.tell("onEnd", end);
    }
    return [filters.job_id].flat().every((id) => this.#ended.has(id));
  }

  #onState(state) {
    // "connecting" tells nobody: on the way from one request to the next the reader has lost nothing.
    if (state !== "connecting" && this.#connected !== (state === "live")) {
      this.#connected = state === "live";
      if (this.#connected) this.tell("onConnect");
      else this.tell("onDisconnect", { state });
    }
    this.tell("onState", state);
  }

  /** What a stalled stream fetches before it is opened again; the stream itself brings the rest. */
  async #catchUp(cursor) {
    if (cursor === null) return;
    const { filters } = this.#stream;
    const page = await this.#history.page(filters, { since: cursor, limit: PAGE });
    if (filters === this.#stream.filters && page.logs.length > 0) this.#onLogs(page);
  }
}
