/**
 * One connection that carries many streams (`GET /api/logs/streams`), each a channel with handlers of its own, as if
 * it had a connection for itself.
 *
 * A channel that joins or leaves opens the connection anew; the others go on behind their last event, so that nobody
 * misses anything, or is told it twice. It never tries again by itself: when the connection breaks, every channel is
 * told, and leaves; `connection.js` is the only place that reconnects.
 */

import { StreamError } from "./failure.js";
import { openFetchStream } from "./sse-fetch.js";

/** The server takes an address of 4 KiB: some thirty streams. */
const LONGEST_QUERY = 3800;
/** What `stream=` and a place in the log add to a stream's own query. */
const MORE = 60;

export class HubLine {
  #request;
  #environment;
  #channels = new Set();
  #asked = []; // the channels that the open connection carries, by their numbers
  #transport = null;
  #timer = null;

  /**
   * @param {{endpoint: string, headers: object}} request address of a stream without its query; what identifies the
   *   reader
   * @param {object} environment see environment.js
   */
  constructor(request, environment) {
    this.#request = request;
    this.#environment = environment;
  }

  get size() {
    return this.#channels.size;
  }

  /** Whether another stream fits in. */
  hasRoom(query) {
    const length = (text) => encodeURIComponent(text).length + MORE;
    return [...this.#channels].reduce((sum, channel) => sum + length(channel.query), length(query)) < LONGEST_QUERY;
  }

  /**
   * Add a stream; handlers as for `openFetchStream`.
   *
   * @returns {{close: () => void, hold: () => void, resume: () => void}} while it is held nothing is reported; then
   *   it goes on where it was
   */
  join(query, handlers) {
    const channel = new Channel(query, handlers);
    this.#channels.add(channel);
    this.#adjustSoon();
    return {
      close: () => this.#leave(channel),
      hold: () => (channel.held = true),
      resume: () => {
        channel.held = false;
        if (this.#channels.has(channel)) this.#adjustSoon();
      },
    };
  }

  #leave(channel) {
    if (!this.#channels.delete(channel)) return;
    channel.left = true;
    if (this.#channels.size === 0) this.#close();
    else if (!channel.over) this.#adjustSoon();
  }

  /** What joins and leaves in one go opens one connection. */
  #adjustSoon() {
    this.#timer ??= this.#environment.clock.setTimeout(() => this.#open(), 0);
  }

  #close() {
    this.#environment.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#transport?.close();
    this.#transport = null;
  }

  #open() {
    this.#close();
    const asked = [...this.#channels].filter(({ held }) => !held);
    this.#asked = asked;
    if (asked.length === 0) return;
    const query = new URLSearchParams(asked.map((channel) => ["stream", channel.request]));
    const { endpoint, headers } = this.#request;
    let speaking = null;
    this.#transport = openFetchStream({ url: `${endpoint}s?${query}`, headers }, this.#environment, {
      onOpen() {},
      onRetry: (ms) => asked.forEach((channel) => channel.tell("onRetry", ms)),
      onEvent: (name, data, id) => {
        if (name === "channel") speaking = asked[JSON.parse(data).channel];
        else if (name === "over") this.#over(speaking, JSON.parse(data));
        else speaking?.take(name, data, id);
      },
      onClose: (outcome) => this.#lost(outcome),
    });
  }

  #over(channel, { status, error, hint, parameter }) {
    const words = error ?? `the server answers ${status}`;
    const failure = new StreamError(words, { status, hint: hint ?? null, parameter: parameter ?? null });
    this.#dismiss(channel, status === 204 ? "finished" : failure);
  }

  #lost(outcome) {
    this.#transport = null;
    for (const channel of this.#asked) this.#dismiss(channel, outcome);
  }

  #dismiss(channel, outcome) {
    if (!this.#channels.delete(channel)) return;
    channel.tell("onClose", outcome);
    channel.left = true;
    if (this.#channels.size === 0) this.#close();
  }
}

/** One stream: what it asked for, and the place behind what it was told. */
class Channel {
  held = false;
  left = false;
  #handlers;
  #opened = false;
  #since;
  #jobs; // that have not ended

  constructor(query, handlers) {
    this.query = query;
    this.#handlers = handlers;
    const asked = new URLSearchParams(query);
    this.#since = asked.get("since");
    this.#jobs = asked.getAll("job_id").length || Infinity;
  }

  /** Whether the server has nothing more to say. */
  get over() {
    return this.#jobs <= 0;
  }

  /** What to ask for now: to go on, or, before the first entries were here, what was asked for at first. */
  get request() {
    const query = new URLSearchParams(this.query);
    if (this.#since === null) query.delete("since");
    else query.set("since", this.#since);
    return query.toString();
  }

  take(name, data, id) {
    if (this.held || this.left) return;
    if (!this.#opened) this.tell("onOpen");
    this.#opened = true;
    if (name === "reset") this.#since = null;
    // The states that open a stream lie before its first entries: whoever went on there would begin without them.
    else if (id && (this.#since !== null || name !== "status")) this.#since = id;
    if (name === "end") this.#jobs -= 1;
    this.tell("onEvent", name, data, id);
  }

  tell(name, ...args) {
    if (!this.left) this.#handlers[name](...args);
  }
}
