/**
 * The hub of a page: in a worker that all tabs share, or, where the browser has none, or it cannot be started, or it
 * dies, in the page itself.
 */

import { Hub } from "./hub.js";
import { HubPort } from "./hub-port.js";

export class SharedHub {
  #environment;
  #hub = null;
  #streams = new Set();

  /**
   * @param {object} environment see environment.js; its `openWorker(onDead)` gives a message port, or null where
   *   there are no shared workers
   */
  constructor(environment) {
    this.#environment = environment;
    /** Whether this page has a connection of its own, besides those of other tabs. */
    this.alone = false;
    const port = environment.openWorker(() => this.#onDead());
    if (port) this.#hub = new HubPort(port, environment.clock, () => this.#onDead());
    else this.#onDead();
  }

  /** As `openFetchStream`. */
  open(request, handlers) {
    const stream = { request, handlers, opened: false };
    const forget = () => this.#streams.delete(stream);
    stream.told = {
      ...handlers,
      onOpen: () => {
        stream.opened = true;
        handlers.onOpen();
      },
      onClose: (outcome) => forget() && handlers.onClose(outcome),
    };
    this.#streams.add(stream);
    stream.handle = this.#hub.open(request, stream.told);
    return { close: () => forget() && stream.handle.close() };
  }

  /** There is no worker, or no more: from now on everything goes through this page. */
  #onDead() {
    if (this.alone) return;
    this.alone = true;
    this.#hub = new Hub(this.#environment);
    for (const stream of [...this.#streams]) {
      // One that has told something goes on behind it, as after any cut.
      if (stream.opened) stream.told.onClose("cut");
      else stream.handle = this.#hub.open(stream.request, stream.told);
    }
  }
}
