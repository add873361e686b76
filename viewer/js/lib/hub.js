/**
 * Streams that share connections: all that go to the same server with the same token. A browser opens six connections
 * to a server, for all its tabs together; a seventh waits for ever, and with it every other request.
 */

import { HubLine } from "./hub-line.js";

export class Hub {
  #lines = new Map(); // server and token -> lines
  #environment;

  /** @param {object} environment see environment.js */
  constructor(environment) {
    this.#environment = environment;
  }

  /** As `openFetchStream`, over a shared connection. */
  open({ url, headers }, handlers) {
    const [endpoint, query = ""] = url.split("?");
    const key = JSON.stringify([endpoint, headers]);
    const lines = (this.#lines.get(key) ?? []).filter(({ size }) => size > 0);
    let line = lines.find((each) => each.hasRoom(query));
    if (!line) {
      line = new HubLine({ endpoint, headers }, this.#environment);
      lines.push(line);
    }
    this.#lines.set(key, lines);
    return line.join(query, handlers);
  }
}
