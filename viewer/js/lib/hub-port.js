/**
 * The page's side of a hub that lives elsewhere, in a shared worker: the same `open`, over a message port.
 *
 * To the worker: `{open, url, headers}`, `{close}`, `{took, size}` (an event was dealt with), `{here: true}`.
 * From it: `{channel, call, args}` for a handler, `{channel, call: "heard"}`, `{call: "there"}` (a question).
 */

import { reviveOutcome } from "./failure.js";

/** A worker that does not answer for so long is none; long enough for a machine that is busy with something else. */
const HEARD_MS = 10_000;

export class HubPort {
  #port;
  #clock;
  #onDead;
  #streams = new Map(); // number -> {handlers, timer}
  #next = 1;

  /**
   * @param {{postMessage: (message: object) => void, onmessage: Function}} port
   * @param {object} clock see environment.js
   * @param {() => void} onDead is told when nobody answers
   */
  constructor(port, clock, onDead) {
    this.#port = port;
    this.#clock = clock;
    this.#onDead = onDead;
    port.onmessage = ({ data }) => this.#onMessage(data);
  }

  /** As `openFetchStream`. */
  open({ url, headers }, handlers) {
    const number = this.#next++;
    const timer = this.#clock.setTimeout(() => this.#onDead(), HEARD_MS);
    this.#streams.set(number, { handlers, timer });
    this.#port.postMessage({ open: number, url, headers });
    return {
      close: () => {
        if (this.#forget(number)) this.#port.postMessage({ close: number });
      },
    };
  }

  #onMessage({ channel, call, args = [], size = 0 }) {
    if (call === "there") {
      this.#port.postMessage({ here: true });
      return;
    }
    const stream = this.#streams.get(channel);
    if (!stream) return; // closed meanwhile
    if (call === "heard") {
      this.#clock.clearTimeout(stream.timer);
      return;
    }
    if (call === "onClose") {
      this.#forget(channel);
      stream.handlers.onClose(reviveOutcome(args[0]));
      return;
    }
    stream.handlers[call](...args);
    if (size > 0) this.#port.postMessage({ took: channel, size });
  }

  #forget(number) {
    this.#clock.clearTimeout(this.#streams.get(number)?.timer);
    return this.#streams.delete(number);
  }
}
