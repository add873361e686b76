/**
 * One SSE connection over `fetch`: it can send the token, and it sees status codes. It never tries again by itself;
 * `connection.js` is the only place that does.
 */

import { errorOf, StreamError } from "./failure.js";

/** No event of the protocol comes near this (a batch is 256 KiB, an entry 64); more is not our server. */
const LARGEST_EVENT = 64 * 1024 * 1024;

/**
 * Open `url` and report to `handlers`: `onOpen()`, `onEvent(name, data, id)`, `onRetry(ms)`, and once, last,
 * `onClose(failure)`: a `StreamError`, `"finished"` (204), or `"cut"` (the stream broke off or was closed).
 *
 * @returns {{close: () => void}} after `close` nothing is reported any more
 */
export function openFetchStream({ url, headers }, environment, handlers) {
  const abort = new AbortController();
  let closed = false;
  const report = (name, ...args) => {
    if (!closed) handlers[name](...args);
  };
  read(url, headers, abort.signal, environment, report).then(
    (outcome) => report("onClose", outcome),
    (error) => report("onClose", error instanceof StreamError ? error : new StreamError(networkWords(error))),
  );
  return {
    close() {
      closed = true;
      abort.abort();
    },
  };
}

async function read(url, headers, signal, environment, report) {
  const response = await environment.fetch(url, {
    headers: { Accept: "text/event-stream", ...headers },
    cache: "no-store",
    signal,
  });
  if (response.status === 204) return "finished";
  if (response.status !== 200) throw await errorOf(response, environment.clock.now());
  if (!/^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "")) {
    await response.body?.cancel();
    throw new StreamError("the answer is not an event stream");
  }
  report("onOpen");
  await parse(response.body, environment.createParser, report);
  return "cut";
}

/** An event that is cut off is never dispatched, and its id never counts: the next connection brings it whole. */
async function parse(body, createParser, report) {
  const parser = createParser({
    onEvent: ({ event, data, id }) => report("onEvent", event ?? "message", data, id),
    onRetry: (ms) => report("onRetry", ms),
    maxBufferSize: LARGEST_EVENT,
  });
  // Streaming: a character of several bytes may lie across two chunks.
  const decoder = new TextDecoder("utf-8");
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
  }
}

function networkWords(error) {
  return `the server cannot be reached (${error?.message ?? error})`;
}
