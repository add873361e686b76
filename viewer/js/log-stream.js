/**
 * QuaeroLogs: quaero's log streams for any page. A module with no build step; also set on `window.QuaeroLogs`.
 *
 * The addresses default to those of the server that this file came from.
 */

import { createParser } from "../vendor/eventsource-parser.js";
import { browserEnvironment } from "./lib/environment.js";
import { formatTimestamp } from "./lib/format.js";
import { LEVELS, levelClass } from "./lib/levels.js";
import { buildQueryParams } from "./lib/query.js";
import { LogStream as BaseStream } from "./lib/stream.js";

const STREAM = new URL("../../api/logs/stream", import.meta.url).href;

/** A `LogStream` with this browser's fetch, clock and page; `options.environment` replaces parts of it. */
class LogStream extends BaseStream {
  constructor(endpoint, options = {}) {
    super(endpoint, options, { ...browserEnvironment(createParser), ...options.environment });
  }
}

/** Follow any endpoint that speaks the protocol. Call `connect()` on what is returned. */
function createStream(endpoint, options = {}) {
  return new LogStream(endpoint, options);
}

/** Follow one job, or several over one connection. */
function createJobStream(jobId, options = {}) {
  return new LogStream(options.endpoint ?? STREAM, { ...options, scope: "job", job_id: jobId });
}

/** Follow the service's own log. */
function createServiceStream(options = {}) {
  return new LogStream(options.endpoint ?? STREAM, { ...options, scope: "service", job_id: undefined });
}

export const QuaeroLogs = Object.freeze({
  createStream,
  createJobStream,
  createServiceStream,
  buildQueryParams,
  formatTimestamp,
  levelClass,
  levels: LEVELS.map(({ name }) => name),
  LogStream,
});

export { buildQueryParams, createJobStream, createServiceStream, createStream };
export { formatTimestamp, levelClass, LogStream };

globalThis.QuaeroLogs = QuaeroLogs;
