/**
 * Keeping one stream open: the states, the one engine that reconnects, the watchdog. No entries, no page.
 *
 *            open()            first answer           silence
 *   idle ----------> connecting ----------> live ----------------> stale
 *                     ^   |                  | cut, shutdown         | fetched what was missing
 *                     |   v  failure         v                       |
 *                    retrying <--------------+-----------------------+--> connecting
 *
 *   from any of them: 204 or the last `end` -> ended; an answer that will not change -> failed; close() -> idle.
 *
 * Every attempt has a generation. What an older one still says is dropped, and so are its timers: there is never more
 * than one transport, one timer, one recovery.
 */

import { Backoff } from "./backoff.js";
import { StreamError } from "./failure.js";
import { openEventSource } from "./sse-eventsource.js";
import { openFetchStream } from "./sse-fetch.js";
import { openSharedStream } from "./sse-shared.js";

/** Three missed pings (one each 5 s): the connection is dead, though nothing said so. */
export const SILENCE_MS = 15_000;

const TRANSPORTS = { fetch: openFetchStream, eventsource: openEventSource, shared: openSharedStream };
const KNOWN = Object.keys(TRANSPORTS).join(", ");
const OPEN_STATES = new Set(["connecting", "live", "stale", "retrying"]);

export class Connection {
  #owner;
  #environment;
  #backoff;
  #open;
  #generation = 0;
  #transport = null;
  #timer = null;
  #stopWatching = null;

  /**
   * @param {object} owner `request(cursor)` -> `{url, headers}`; `onEvent(name, data)` with the parsed data, returns
   *   true when the stream has ended; `catchUp(cursor)` fetches what was missed; `onState(state)`; `onFailure(error)`
   * @param {object} environment see environment.js
   * @param {{transport?: "fetch" | "eventsource" | "shared"}} [options]
   */
  constructor(owner, environment, { transport = environment.transport ?? "fetch" } = {}) {
    if (!Object.hasOwn(TRANSPORTS, transport)) throw new TypeError(`unknown transport ${transport}: ${KNOWN}`);
    this.#owner = owner;
    this.#environment = environment;
    this.#open = TRANSPORTS[transport];
    this.#backoff = new Backoff(environment.random);
    this.state = "idle";
    this.cursor = null;
    this.retryAt = null;
    this.error = null;
    this.lastEventTime = null;
  }

  /** How many tries have failed in a row. */
  get attempt() {
    return this.#backoff.attempt;
  }

  /** Whether the engine is at work: connected, or trying to be. */
  get active() {
    return OPEN_STATES.has(this.state);
  }

  /** Open the stream. While it is open this does nothing: there is one connection, not two. */
  open() {
    if (this.active) return;
    this.#backoff.reset();
    this.#start();
  }

  /** Open it anew at once, whatever the state: the request has changed. */
  reopen() {
    this.#start();
  }

  /** Close it; nothing is reported any more. */
  close() {
    this.#drop();
    this.#rest("idle");
  }

  #start() {
    this.#drop();
    const generation = this.#generation;
    const now = (handler) => (...args) => generation === this.#generation && handler(...args);
    const environment = this.#environment;
    this.#stopWatching ??= environment.watchPage({ wake: () => this.#wake(), sleep: () => this.#sleep() });
    this.lastEventTime = environment.clock.now();
    this.#enter("connecting");
    this.#watch();
    this.#transport = this.#open(this.#owner.request(this.cursor), environment, {
      onOpen: now(() => this.#onOpen()),
      onEvent: now((name, data, id) => this.#onEvent(name, data, id)),
      onRetry: now((ms) => this.#backoff.setFloor(ms)),
      onClose: now((outcome) => this.#onClose(outcome)),
    });
  }

  #onOpen() {
    this.lastEventTime = this.#environment.clock.now();
    this.error = null;
    this.#enter("live");
  }

  #onEvent(name, text, id) {
    const generation = this.#generation;
    this.lastEventTime = this.#environment.clock.now();
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      this.#retry(new StreamError(`the server sent a broken ${name} event`));
      return;
    }
    this.#backoff.reset();
    if (name === "reset") this.cursor = null;
    const ended = this.#owner.onEvent(name, data);
    if (generation !== this.#generation) return; // the owner has closed or reopened it meanwhile
    if (id) this.cursor = id;
    if (ended) this.#end();
    else if (name === "shutdown") this.#retryIn(data.retry_ms ?? 0, new StreamError("the server is going down"));
  }

  #onClose(outcome) {
    if (outcome === "finished") this.#end();
    else if (outcome === "cut") this.#retry(new StreamError("the connection was cut"));
    else if (outcome.fatal) this.#fail(outcome);
    else this.#retry(outcome);
  }

  #end() {
    this.#drop();
    this.#rest("ended");
  }

  #fail(error) {
    this.#drop();
    this.error = error;
    this.#rest("failed");
    this.#owner.onFailure(error);
  }

  #retry(error) {
    this.#retryIn(this.#backoff.next(error.retryAfterMs), error);
  }

  #retryIn(ms, error) {
    this.#drop();
    this.error = error;
    this.retryAt = this.#environment.clock.now() + ms;
    this.#timer = this.#environment.clock.setTimeout(() => this.#start(), ms);
    this.#enter("retrying");
    this.#owner.onFailure(error);
  }

  /** One timer that looks again when the silence would be too long; arming one per event would cost more. */
  #watch() {
    const { clock } = this.#environment;
    const due = this.lastEventTime + SILENCE_MS - clock.now();
    if (due <= 0) this.#onSilence();
    else this.#timer = clock.setTimeout(() => this.#watch(), due);
  }

  #onSilence() {
    if (this.state === "connecting") {
      this.#retry(new StreamError("the server does not answer"));
      return;
    }
    this.#drop();
    const generation = this.#generation;
    const { clock } = this.#environment;
    this.#enter("stale");
    const again = (next) => (value) => generation === this.#generation && next(value);
    const late = again(() => this.#retry(new StreamError("the server does not answer")));
    this.#timer = clock.setTimeout(late, SILENCE_MS);
    this.#owner.catchUp(this.cursor).then(
      again(() => this.#start()),
      again((error) => this.#onClose(error instanceof StreamError ? error : new StreamError(String(error)))),
    );
  }

  /** The page is shown, or the network is back: do not wait for a timer that may have slept. */
  #wake() {
    const silent = this.#environment.clock.now() - (this.lastEventTime ?? 0) >= SILENCE_MS;
    if (this.state === "retrying") this.#start();
    else if (this.state === "live" && silent) this.#onSilence();
  }

  /** The page goes, perhaps to come back from the cache: let go of the connection, wait for `wake`. */
  #sleep() {
    if (!this.active) return;
    this.#drop();
    this.#enter("retrying");
  }

  #enter(state) {
    if (state === this.state && state !== "retrying") return;
    this.state = state;
    this.#owner.onState(state);
  }

  #rest(state) {
    this.#stopWatching?.();
    this.#stopWatching = null;
    this.#enter(state);
  }

  #drop() {
    this.#generation += 1;
    this.#transport?.close();
    this.#transport = null;
    this.#environment.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.retryAt = null;
  }
}
