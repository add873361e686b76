/**
 * The worker's side: tabs that come and go, each with streams on the one hub. See hub-port.js for the messages.
 *
 * A tab that is slow is held back, not what comes for the others: what it has not dealt with is counted, and beyond a
 * bound it is told nothing until it has, then goes on where it was. A tab that has gone without a word (it crashed,
 * or the browser put it away) does not answer any more, and is forgotten; if it comes back it opens its streams anew.
 */

import { plainOutcome } from "./failure.js";

/** Characters on their way to a stream of a tab: some hundred batches. */
const MOST_UNDER_WAY = 16 * 1024 * 1024;
/** A tab is asked so often whether it is there, and forgotten when it has not answered three times. */
export const ASK_MS = 15_000;
const MOST_UNANSWERED = 3;

export class HubService {
  #hub;
  #clock;
  #tabs = new Set();
  #asking = false;

  /** @param {import("./hub.js").Hub} hub @param {object} clock see environment.js */
  constructor(hub, clock) {
    this.#hub = hub;
    this.#clock = clock;
  }

  /** How many tabs there are. */
  get tabs() {
    return this.#tabs.size;
  }

  /** A tab has come. */
  attach(port) {
    const tab = new Tab(this.#hub, port);
    this.#tabs.add(tab);
    if (!this.#asking) this.#askSoon();
  }

  #askSoon() {
    this.#asking = this.#tabs.size > 0;
    if (this.#asking) this.#clock.setTimeout(() => this.#ask(), ASK_MS);
  }

  #ask() {
    for (const tab of this.#tabs) {
      if (tab.unanswered < MOST_UNANSWERED) tab.ask();
      else this.#forget(tab);
    }
    this.#askSoon();
  }

  #forget(tab) {
    this.#tabs.delete(tab);
    tab.leave();
  }
}

/** One tab. */
class Tab {
  unanswered = 0;
  #hub;
  #port;
  #streams = new Map(); // number -> {handle, underWay, held}

  constructor(hub, port) {
    this.#hub = hub;
    this.#port = port;
    port.onmessage = ({ data }) => this.#onMessage(data);
  }

  ask() {
    this.unanswered += 1;
    this.#port.postMessage({ call: "there" });
  }

  /** Close all its streams. */
  leave() {
    for (const { handle } of this.#streams.values()) handle.close();
    this.#streams.clear();
  }

  #onMessage(message) {
    this.unanswered = 0;
    if (message.open) this.#open(message);
    else if (message.close) this.#close(message.close);
    else if (message.took) this.#took(message.took, message.size);
  }

  #open({ open: channel, url, headers }) {
    const stream = { underWay: 0, held: false };
    const send = (call, ...args) => this.#port.postMessage({ channel, call, args });
    this.#streams.set(channel, stream);
    send("heard");
    stream.handle = this.#hub.open({ url, headers }, {
      onOpen: () => send("onOpen"),
      onRetry: (ms) => send("onRetry", ms),
      onEvent: (name, data, id) => {
        stream.underWay += data.length;
        this.#port.postMessage({ channel, call: "onEvent", args: [name, data, id], size: data.length });
        if (stream.underWay < MOST_UNDER_WAY) return;
        stream.held = true;
        stream.handle.hold();
      },
      onClose: (outcome) => {
        this.#streams.delete(channel);
        send("onClose", plainOutcome(outcome));
      },
    });
  }

  #close(channel) {
    this.#streams.get(channel)?.handle.close();
    this.#streams.delete(channel);
  }

  #took(channel, size) {
    const stream = this.#streams.get(channel);
    if (!stream) return;
    stream.underWay -= size;
    if (!stream.held || stream.underWay > MOST_UNDER_WAY / 4) return;
    stream.held = false;
    stream.handle.resume();
  }
}
