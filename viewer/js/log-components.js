/**
 * Alpine components over QuaeroLogs, for any page: `sseJobLogViewer(jobId)`, `sseServiceLogs`; and `QueueSSEManager`,
 * which follows many jobs over one connection. A page that loads Alpine by itself gets them on `alpine:init`.
 */

import { createParser } from "../vendor/eventsource-parser.js";
import { browserEnvironment } from "./lib/environment.js";
import { QueueManager } from "./lib/queue-manager.js";
import { sseJobLogViewer } from "./view/job-viewer.js";
import { apiUrl } from "./view/server.js";
import { sseServiceLogs } from "./view/service-viewer.js";

/** The page's one connection for many jobs. */
export const QueueSSEManager = new QueueManager(apiUrl("logs/stream"), browserEnvironment(createParser));

/** Make the components known to an Alpine. */
export function registerComponents(Alpine) {
  Alpine.data("sseJobLogViewer", sseJobLogViewer);
  Alpine.data("sseServiceLogs", sseServiceLogs);
}

export { sseJobLogViewer, sseServiceLogs };

globalThis.QueueSSEManager = QueueSSEManager;
globalThis.document?.addEventListener("alpine:init", () => {
  if (globalThis.Alpine) registerComponents(globalThis.Alpine);
});
