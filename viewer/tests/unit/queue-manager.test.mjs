/** Many jobs over one connection: joining, leaving, histories, ends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { QueueManager } from "../../js/lib/queue-manager.js";
import { entries, entry, fakeEnvironment, page, status } from "../support/fakes.mjs";

const ENDPOINT = "http://quaero.test/api/logs/stream";
const ids = (list) => list.map(({ id }) => id);

function manager() {
  const fake = fakeEnvironment();
  const queue = new QueueManager(ENDPOINT, fake.environment);
  const connect = (jobId, options = {}) => {
    const calls = [];
    const note = (name) => (...args) => calls.push([name, ...args]);
    const names = ["onLogs", "onStatus", "onEnd", "onGap", "onError"];
    const handle = queue.connectJob(jobId, { ...Object.fromEntries(names.map((n) => [n, note(n)])), ...options });
    return { handle, calls, told: (name) => calls.filter(([called]) => called === name).map(([, value]) => value) };
  };
  const streams = () => fake.server.to("/stream");
  return { ...fake, queue, connect, streams };
}

/** The page of history that was asked for last for this job. */
const history = (server, job) => server.to("/api/logs").filter(({ query }) => query.get("job_id") === job).at(-1);

/** j1 and j2 followed, placed at entry 10, their histories delivered. */
async function two() {
  const all = manager();
  const one = all.connect("j1");
  const other = all.connect("j2", { limit: 5 });
  await all.clock.advance(0);
  await all.server.last.open();
  await all.streams()[0].logs([entry(10, { job_id: "j2" })]);
  await history(all.server, "j1").json(page(entries(1, 9)));
  await history(all.server, "j2").json(page([entry(10, { job_id: "j2" })]));
  return { ...all, one, other };
}

test("jobs connected in one go share one connection, each with its own history", async () => {
  const { server, streams, one, other } = await two();
  assert.equal(streams().length, 1);
  assert.equal(streams()[0].url.search, "?scope=job&job_id=j1&job_id=j2&level=info&limit=1");
  assert.equal(history(server, "j2").url.search, "?scope=job&job_id=j2&level=info&limit=5");
  assert.deepEqual(ids(one.handle.logs), ids(entries(1, 9)));
  assert.deepEqual(ids(other.handle.logs), [10]);
});

test("entries go to their own job, and no other", async () => {
  const { streams, one, other } = await two();
  await streams()[0].logs([entry(11), entry(12, { job_id: "j2" }), entry(13)]);
  assert.deepEqual(one.told("onLogs").map(ids), [ids(entries(1, 9)), [11, 13]]);
  assert.deepEqual(other.told("onLogs").map(ids), [[10], [12]]);
});

test("a job that joins opens the stream anew at the same place, and misses nothing", async () => {
  const { server, clock, streams, connect, one } = await two();
  const late = connect("j3");
  assert.equal(history(server, "j3").query.get("limit"), "100");
  await clock.advance(0);
  assert.equal(streams().length, 2);
  assert.equal(streams()[0].aborted, true);
  assert.equal(streams()[1].url.search, "?scope=job&job_id=j1&job_id=j2&job_id=j3&level=info&since=ab-10");
  await streams()[1].open();
  await streams()[1].logs([entry(11, { job_id: "j3" }), entry(12)]);
  assert.deepEqual(late.told("onLogs"), [], "what comes early waits for the history");
  await history(server, "j3").json(page([entry(4, { job_id: "j3" }), entry(11, { job_id: "j3" })]));
  assert.deepEqual(late.told("onLogs").map(ids), [[4, 11]]);
  assert.deepEqual(ids(one.handle.logs).at(-1), 12);
});

test("the same job again needs no second connection, and leaves with its last reader", async () => {
  const { server, clock, streams, connect, one, queue } = await two();
  const again = connect("j1");
  await history(server, "j1").json(page(entries(1, 9)));
  await clock.advance(0);
  assert.equal(streams().length, 1);
  assert.deepEqual(ids(again.handle.logs), ids(entries(1, 9)));
  again.handle.disconnect();
  await clock.advance(0);
  assert.deepEqual(queue.jobIds, ["j1", "j2"]);
  await streams()[0].logs([entry(11)]);
  assert.equal(one.handle.logs.at(-1).id, 11);
  assert.equal(again.handle.logs.at(-1).id, 9);
});

test("a job that is disconnected leaves the connection", async () => {
  const { clock, streams, queue } = await two();
  queue.disconnectJob("j1");
  await clock.advance(0);
  assert.equal(streams()[1].url.search, "?scope=job&job_id=j2&level=info&since=ab-10");
});

test("disconnectAll leaves nothing behind", async () => {
  const { clock, streams, queue } = await two();
  queue.disconnectAll();
  assert.equal(queue.state, "idle");
  assert.equal(streams()[0].aborted, true);
  assert.equal(clock.pending, 0);
  assert.deepEqual(queue.jobIds, []);
});

test("the connection carries the lowest level that anybody wants, and each sees their own", async () => {
  const { clock, server, streams, connect, one } = await two();
  const debug = connect("j1", { level: "debug", limit: 0 });
  await clock.advance(0);
  assert.equal(streams()[1].query.get("level"), "debug");
  await streams()[1].open();
  await streams()[1].logs([entry(11, { level: "debug" }), entry(12, { level: "warn" })]);
  assert.deepEqual(ids(debug.handle.logs), [11, 12]);
  assert.deepEqual(ids(one.handle.logs).at(-1), 12);
  assert.equal(one.handle.logs.some(({ id }) => id === 11), false);
  assert.equal(server.to("/api/logs").length, 2, "without a limit no history is asked for");
});

test("a reader of one step sees that step", async () => {
  const { clock, streams, connect } = await two();
  const step = connect("j1", { step: "fetch", limit: 0 });
  await clock.advance(0);
  await streams()[0].logs([entry(11, { step_name: "fetch" }), entry(12, { step_name: "parse" })]);
  assert.deepEqual(ids(step.handle.logs), [11]);
});

test("states and gaps go to their job", async () => {
  const { streams, one, other } = await two();
  const steps = [{ id: "j1.a", name: "a", status: "running" }];
  await streams()[0].event("status", status("j1", { progress: 45 }, steps));
  await streams()[0].event("gap", { job_id: "j2", from_id: 1, to_id: 2, count: 2, reason: "retention" }, "ab-10");
  assert.equal(one.handle.job.progress, 45);
  assert.deepEqual(one.handle.steps, steps);
  assert.equal(other.told("onStatus").length, 0);
  assert.equal(other.told("onGap").length, 1);
});

test("each job's end is told once; after the last the connection rests", async () => {
  const { clock, streams, one, other, queue } = await two();
  const end = (job_id) => ({ job_id, status: "completed", counts: {} });
  await streams()[0].event("end", end("j1"), "ab-10");
  await streams()[0].event("end", end("j1"), "ab-10");
  assert.equal(one.told("onEnd").length, 1);
  assert.equal(queue.state, "live");
  await streams()[0].event("end", end("j2"), "ab-10");
  assert.equal(other.told("onEnd").length, 1);
  assert.equal(queue.state, "ended");
  await clock.advance(600_000);
  assert.equal(streams().length, 1);
});

test("a finished job is told whole before its end", async () => {
  const { clock, server, streams, connect } = manager();
  const done = connect("j1");
  await clock.advance(0);
  await server.last.open();
  await streams()[0].logs([entry(9)]);
  await streams()[0].event("end", { job_id: "j1", status: "failed", counts: {} }, "ab-9");
  assert.deepEqual(done.told("onEnd"), []);
  await history(server, "j1").json(page(entries(1, 9)));
  assert.deepEqual(done.calls.map(([name]) => name), ["onLogs", "onEnd"]);
});

test("a job that ended unseen is asked for from its beginning, once", async () => {
  const { clock, streams, other, one } = await two();
  await streams()[0].cut();
  await clock.advance(2000);
  await streams()[1].json(null, 204);
  await clock.advance(0);
  assert.equal(streams()[2].query.get("limit"), "1");
  await streams()[2].open();
  for (const job_id of ["j1", "j2"]) await streams()[2].event("end", { job_id, status: "completed", counts: {} }, "ab-10");
  await streams()[2].event("logs", page([]), "ab-10");
  assert.equal(streams().length, 3);
  assert.equal(one.handle.ended && other.handle.ended, true);
});

test("after a cut the stream comes back at its place", async () => {
  const { clock, streams, one } = await two();
  await streams()[0].logs([entry(11)]);
  await streams()[0].cut();
  await clock.advance(2000);
  assert.equal(streams()[1].query.get("since"), "ab-11");
  await streams()[1].open();
  await streams()[1].logs([entry(11), entry(12)]);
  assert.deepEqual(ids(one.handle.logs).slice(-2), [11, 12]);
});

test("silence reopens at the same place", async () => {
  const { clock, streams } = await two();
  await clock.advance(15_000);
  assert.equal(streams().length, 2);
  assert.equal(streams()[1].query.get("since"), "ab-10");
});

test("a refusal is told to all", async () => {
  const { clock, server, connect } = manager();
  const one = connect("j1");
  const other = connect("j2");
  await clock.advance(0);
  await server.last.json({ error: "the token is not valid" }, 401);
  assert.equal(one.told("onError")[0].status, 401);
  assert.equal(other.told("onError")[0].fatal, true);
});

test("a history that cannot be had holds nothing back", async () => {
  const { clock, server, streams, connect } = manager();
  const one = connect("j1");
  await clock.advance(0);
  await server.last.open();
  await streams()[0].logs([entry(9)]);
  await streams()[0].logs([entry(10)]);
  await history(server, "j1").refuse();
  assert.deepEqual(ids(one.handle.logs), [10]);
  assert.equal(one.told("onError").length, 1);
});

test("another store: everybody begins again", async () => {
  const { server, streams, one } = await two();
  await streams()[0].event("reset", {});
  await streams()[0].event("logs", page([entry(2)]), "ff-2");
  await history(server, "j1").json(page(entries(1, 2)));
  assert.deepEqual(ids(one.handle.logs), [1, 2]);
});
