/** A cluster's machines and queues as the page shows them: plain values with every word made. Pure. */

import { formatAgo, formatBytes, formatCount, plural } from "./format.js";
import { makeFragment } from "./routes.js";
import { statusOf } from "./statuses.js";

/** A machine's state -> its word, and the status of a job that looks the same. */
const STATES = {
  ready: ["Ready", "completed"],
  draining: ["Draining", "warning"],
  left: ["Left", "cancelled"],
  lost: ["Lost", "failed"],
};

/** @returns what a machine's card shows; `now` in milliseconds since 1970 */
export function machineView(machine, now) {
  const [word, like] = STATES[machine.state] ?? [machine.state, "unknown"];
  const { outbox_bytes: bytes, outbox_entries: entries } = machine;
  const busy = Math.min(machine.jobs.length + machine.items, machine.slots); // a job waiting for items has none
  const labels = Object.entries(machine.labels).map(([name, value]) => `${name}=${value}`);
  return {
    name: machine.name,
    status: { ...statusOf(like), word },
    isLost: machine.state === "lost",
    host: machine.host === machine.name ? "" : machine.host,
    tags: [...machine.queues, ...labels],
    facts: [
      ...(machine.alive ? [`${busy} of ${plural(machine.slots, "slot")} busy`] : []),
      bytes > 0 ? `${formatBytes(bytes)} wait in its outbox (${formatCount(entries)})` : "Outbox empty",
      `Heard ${formatAgo(machine.seen_at, now)}`,
      `quaero ${machine.version}`,
    ],
    jobs: machine.jobs.map((id) => ({ id, href: makeFragment({ view: "job", id }) })),
  };
}

/** @returns what a queue's line shows */
export function queueView({ name, waiting, running, workers }) {
  return {
    name,
    words: `${formatCount(waiting)} waiting, ${formatCount(running)} running`,
    servers: workers.length > 0 ? `served by ${workers.join(", ")}` : "",
  };
}

/** Messages that a view may be behind while it keeps up with what comes. */
const FEW = 100;

/** What is to be known of the engine: nothing while all is well. */
export function engineWords({ reachable, behind }) {
  if (!reachable) return "The engine is away: nothing new comes from the workers";
  return behind > FEW ? `${plural(behind, "message")} of the engine's log still to read` : "";
}
