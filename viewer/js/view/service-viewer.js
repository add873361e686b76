/** `sseServiceLogs`: the service's own log, as an Alpine component's data. */

import { logViewer } from "./log-viewer.js";
import { formatBytes, formatDuration, plural } from "../lib/format.js";
import { createServiceStream } from "../log-stream.js";

/** The most that the server gives of its own log at once is 500. */
const FIRST_SERVICE_ENTRIES = 200;

/**
 * @param {object} [options] of the stream: `level`, `limit`, `maxEntries`, `token`, …
 * @param {object} [parts] takes the stream and the view, for a page that builds on this component
 */
export function sseServiceLogs(options = {}, parts = {}) {
  const open = (callbacks) => createServiceStream({ limit: FIRST_SERVICE_ENTRIES, ...options, ...callbacks });
  return {
    ...logViewer(parts, open, { onRefresh: showService }),
    facts: [],
  };
}

function showService(component, { status }) {
  if (!status) return;
  component.facts = [
    `quaero ${status.version}`,
    `up ${formatDuration(Date.now() - Date.parse(status.started_at))}`,
    `${plural(status.jobs_running, "job")} running, ${status.jobs_queued} queued`,
    plural(status.streams, "stream"),
    `store ${formatBytes(status.store_bytes)}`,
  ];
}
