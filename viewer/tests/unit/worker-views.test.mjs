/** Machines and queues in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { engineWords, machineView, queueView } from "../../js/lib/worker-views.js";

const NOW = Date.parse("2026-01-15T10:30:10.000Z");
const MACHINE = {
  name: "w1", alive: true, state: "ready", seen_at: "2026-01-15T10:30:00.000Z", version: "0.1", host: "rack7",
  queues: ["default"], labels: { gpu: "a100" }, slots: 2, jobs: ["a/b"], items: 0, outbox_bytes: 2048, outbox_entries: 12,
  draining: false,
};

test("a machine says what it does, and links to its jobs", () => {
  const view = machineView(MACHINE, NOW);
  assert.deepEqual([view.status.word, view.host, view.tags], ["Ready", "rack7", ["default", "gpu=a100"]]);
  assert.deepEqual(view.facts, ["1 of 2 slots busy", "2.0 KiB wait in its outbox (12)", "Heard just now", "quaero 0.1"]);
  assert.deepEqual(view.jobs, [{ id: "a/b", href: "#/job/a%2Fb" }]);
  assert.equal(view.isLost, false);
});

test("one that is lost is marked, and is not said to have slots", () => {
  const lost = machineView({ ...MACHINE, state: "lost", alive: false, jobs: [], outbox_bytes: 0, host: "w1" }, NOW + 3_600_000);
  assert.deepEqual([lost.isLost, lost.status.word, lost.host], [true, "Lost", ""]);
  assert.deepEqual(lost.facts, ["Outbox empty", "Heard 1 h ago", "quaero 0.1"]);
  assert.equal(machineView({ ...MACHINE, state: "odd" }, NOW).status.word, "odd");
});

test("items of other machines' steps take slots, but no more than there are", () => {
  const busy = (jobs, items) => machineView({ ...MACHINE, jobs, items }, NOW).facts[0];
  assert.deepEqual([busy([], 1), busy(["a"], 2)], ["1 of 2 slots busy", "2 of 2 slots busy"]);
});

test("queues and the engine", () => {
  const queue = { name: "gpu", waiting: 1200, running: 0, workers: ["w1", "w2"] };
  assert.deepEqual(queueView(queue), { name: "gpu", words: "1,200 waiting, 0 running", servers: "served by w1, w2" });
  assert.equal(queueView({ ...queue, workers: [] }).servers, "");
  assert.equal(engineWords({ reachable: true, behind: 1 }), "");
  assert.match(engineWords({ reachable: true, behind: 5000 }), /^5,000 messages/);
  assert.match(engineWords({ reachable: false, behind: 0 }), /away/);
});
