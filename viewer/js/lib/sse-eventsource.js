/**
 * One SSE connection over `EventSource`, behind the same interface as `sse-fetch.js`, for pages that need no token.
 *
 * EventSource tries again by itself after a broken stream, never after an answer other than 200, and tells neither
 * from the other. Two engines that reconnect would race, so the first error closes it, and one plain request finds
 * out what the server has to say.
 */

import { errorOf, StreamError } from "./failure.js";

/** Events of the protocol; an EventSource has to be asked for each by name. */
export const EVENT_NAMES = ["logs", "status", "ping", "gap", "reset", "end", "shutdown"];

/** As `openFetchStream`; `onRetry` is never called, since EventSource keeps `retry:` to itself. */
export function openEventSource({ url }, environment, handlers) {
  const source = new environment.EventSource(url);
  const abort = new AbortController();
  let closed = false;
  const close = () => {
    closed = true;
    source.close();
    abort.abort();
  };
  const finish = (outcome) => {
    if (closed) return;
    close();
    handlers.onClose(outcome);
  };
  source.onopen = () => !closed && handlers.onOpen();
  source.onerror = () => {
    source.close();
    classify(url, environment, abort.signal).then(finish, finish);
  };
  for (const name of EVENT_NAMES) {
    source.addEventListener(name, (event) => !closed && handlers.onEvent(name, event.data, event.lastEventId));
  }
  return { close };
}

async function classify(url, environment, signal) {
  let response;
  try {
    response = await environment.fetch(url, { headers: { Accept: "text/event-stream" }, cache: "no-store", signal });
  } catch (error) {
    return new StreamError(`the server cannot be reached (${error.message})`);
  }
  if (response.status === 204) return "finished";
  if (response.status !== 200) return errorOf(response, environment.clock.now());
  await response.body?.cancel();
  return "cut";
}
