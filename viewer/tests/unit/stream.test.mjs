/** LogStream: entries, counts, filters, history, every callback. The network is a fake, the bytes are real. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { entries, entry, fakeEnvironment, page, settle, status } from "../support/fakes.mjs";
import { QuaeroLogs } from "../../js/log-stream.js";

const ENDPOINT = "http://quaero.test/api/logs/stream";
const ids = (list) => list.map(({ id }) => id);

/** A stream of job j1 whose callbacks are written down. */
function follow(options = {}, jobs = "j1") {
  const fake = fakeEnvironment();
  const calls = [];
  const note = (name) => (...args) => calls.push([name, ...args]);
  const names = ["onLogs", "onStatus", "onConnect", "onDisconnect", "onError", "onGap", "onEnd"];
  const callbacks = Object.fromEntries(names.map((name) => [name, note(name)]));
  const { environment } = fake;
  const stream = QuaeroLogs.createJobStream(jobs, { endpoint: ENDPOINT, environment, ...callbacks, ...options });
  const told = (name) => calls.filter(([called]) => called === name);
  return { ...fake, stream, calls, told };
}

/** The same, connected, with entries from 1 to `count`. */
async function following(options, count = 10) {
  const all = follow(options);
  all.stream.connect();
  await all.server.last.open();
  await all.server.last.event("status", status());
  await all.server.last.logs(entries(1, count), { has_more: true });
  return all;
}

test("a stream asks for its job, and tells in order what comes", async () => {
  const { stream, server, calls } = follow({ level: "debug", limit: 500 });
  assert.equal(stream.state, "idle");
  stream.connect();
  assert.equal(stream.state, "connecting");
  assert.equal(server.last.url.search, "?scope=job&job_id=j1&level=debug&limit=500");
  await server.last.open();
  assert.equal(stream.connected, true);
  await server.last.event("status", status("j1", {}, [{ id: "j1.a", name: "a", status: "running" }]));
  await server.last.logs(entries(1, 3));
  assert.deepEqual(calls.map(([name]) => name), ["onConnect", "onStatus", "onLogs"]);
  assert.deepEqual(ids(stream.logs), [1, 2, 3]);
  assert.equal(stream.status.status, "running");
  assert.equal(stream.steps[0].name, "a");
});

test("the numbers are the server's", async () => {
  const { stream, server } = await following();
  const counts = { debug: 162, info: 1300, warn: 70, error: 10 };
  await server.last.logs(entries(11, 12), { total_count: 1542, displayed_count: 1380, counts });
  assert.deepEqual([stream.totalCount, stream.displayedCount, stream.counts], [1542, 1380, counts]);
});

test("how far behind the page is follows from the counts, whatever the level", async () => {
  const { stream, server } = await following({ level: "warn" });
  assert.equal(stream.behind, 0);
  await server.last.logs(entries(11, 20), { displayed_count: 9020, total_count: 50_000 });
  assert.equal(stream.behind, 9000);
  await server.last.logs(entries(21, 30), { displayed_count: 9030 });
  await server.last.event("gap", { job_id: "j1", from_id: 31, to_id: 9000, count: 8970, reason: "lag" }, "ab-9000");
  assert.equal(stream.behind, 0);
  await server.last.logs(entries(9001, 9010), { displayed_count: 9030 });
  await server.last.logs(entries(9011, 9012), { displayed_count: 9032 });
  assert.equal(stream.behind, 0);
});

test("a count of 0 is a count, and unknown ones are null", async () => {
  const { stream, server } = await following();
  await server.last.logs(entries(11, 11), { total_count: 0, displayed_count: 0 });
  assert.equal(stream.totalCount, 0);
  await server.last.logs(entries(12, 12), { total_count: null, displayed_count: null, counts: null });
  assert.equal(stream.totalCount, null);
});

test("counts rise with the status where a level filter holds the batches back", async () => {
  const { stream, server } = await following({ level: "error" });
  const step = { id: "j1.a", name: "a", counts: { debug: 4, info: 900, warn: 3, error: 2 } };
  await server.last.event("status", status("j1", {}, [step]));
  assert.equal(stream.counts.info, 900);
  assert.equal(stream.displayedCount, 2);
});

test("a partial status wipes nothing", async () => {
  const { stream, server } = await following();
  const steps = [{ id: "j1.a", name: "a", status: "running" }, { id: "j1.b", name: "b", status: "pending" }];
  await server.last.event("status", status("j1", {}, steps));
  await server.last.event("status", { job: { id: "j1", progress: 60 } });
  await server.last.event("status", { job: { id: "j1" }, steps: [{ id: "j1.b", status: "running" }] });
  assert.deepEqual(stream.steps.map(({ name, status: word }) => [name, word]), [["a", "running"], ["b", "running"]]);
  assert.equal(stream.status.progress, 60);
  assert.equal(stream.status.name, "Demo");
});

test("entries that come twice are told once", async () => {
  const { stream, server, told } = await following();
  await server.last.logs(entries(8, 12));
  assert.deepEqual(ids(told("onLogs").at(-1)[1]), [11, 12]);
  await server.last.logs(entries(8, 12));
  assert.equal(told("onLogs").length, 2);
  assert.equal(stream.logs.length, 12);
});

test("the token goes in a header, and is asked for anew for each request", async () => {
  let token = "first";
  const { server, clock } = await following({ token: () => token });
  assert.equal(server.last.headers.Authorization, "Bearer first");
  token = "second";
  await server.last.cut();
  await clock.advance(2000);
  assert.equal(server.last.headers.Authorization, "Bearer second");
  assert.ok(!server.last.url.href.includes("second"));
});

test("a filter that is changed leaves the others as they are, and the rows until new ones are here", async () => {
  const { stream, server, told } = await following({ step: "a", limit: 200 });
  stream.setFilters({ level: "warn" });
  assert.equal(server.requests.length, 2);
  assert.equal(server.last.url.search, "?scope=job&job_id=j1&step=a&level=warn&limit=200");
  assert.equal(stream.logs.length, 10);
  await server.last.open();
  await server.last.logs([entry(4, { level: "warn" })]);
  assert.deepEqual(ids(stream.logs), [4]);
  assert.equal(told("onDisconnect").length, 0);
});

test("the same filters again change nothing", async () => {
  const { stream, server } = await following({ level: "warn" });
  stream.setFilters({ level: "warn" });
  assert.equal(server.requests.length, 1);
});

test("connect on an open stream does not open another", async () => {
  const { stream, server } = await following();
  stream.connect();
  stream.connect();
  assert.equal(server.requests.length, 1);
});

test("disconnect tells once, and stops everything", async () => {
  const { stream, server, clock, told, page: shown } = await following();
  stream.disconnect();
  assert.equal(stream.state, "idle");
  assert.equal(server.last.aborted, true);
  assert.equal(told("onDisconnect").length, 1);
  assert.equal(clock.pending, 0);
  assert.equal(shown.watchers.size, 0);
  stream.connect();
  assert.equal(server.last.query.get("since"), "ab-10");
});

test("reconnect keeps the place", async () => {
  const { stream, server } = await following();
  stream.reconnect();
  assert.equal(server.last.query.get("since"), "ab-10");
  assert.equal(stream.logs.length, 10);
});

test("pause leaves the rows alone, resume tells what gathered; nothing is lost", async () => {
  const { stream, server, told } = await following();
  stream.pause();
  await server.last.logs(entries(11, 20), { total_count: 20 });
  assert.deepEqual([stream.logs.length, stream.pending, stream.totalCount], [10, 10, 20]);
  assert.equal(told("onLogs").length, 1);
  stream.resume();
  assert.deepEqual(ids(told("onLogs").at(-1)[1]), ids(entries(11, 20)));
  assert.deepEqual(ids(stream.logs), ids(entries(1, 20)));
});

test("clear keeps the place: nothing comes back but what is asked for", async () => {
  const { stream, server } = await following();
  stream.clear();
  assert.equal(stream.logs.length, 0);
  await server.last.logs(entries(8, 11));
  assert.deepEqual(ids(stream.logs), [11]);
});

test("older entries are fetched with the same filters, one request at a time", async () => {
  const { stream, server } = await following({ level: "warn", skip: true });
  await server.last.logs(entries(11, 20));
  stream.setFilters({ q: "x" });
  await server.last.open();
  await server.last.logs(entries(101, 110), { has_more: true });
  const first = stream.loadOlder(50);
  const second = stream.loadOlder(50);
  assert.equal(server.to("/api/logs").length, 1);
  assert.equal(server.last.url.search, "?scope=job&job_id=j1&level=warn&limit=50&before=101&q=x");
  await server.last.json(page(entries(51, 100), { has_more: false }));
  assert.deepEqual(await Promise.all([first, second]), [50, 50]);
  assert.deepEqual(ids(stream.logs), ids(entries(51, 110)));
  assert.equal(stream.hasOlder, false);
  assert.equal(await stream.loadOlder(), 0);
});

test("a page that comes after the filters have changed is dropped", async () => {
  const { stream, server } = await following();
  const older = stream.loadOlder();
  const request = server.last;
  stream.setFilters({ step: "b" });
  await server.last.open();
  await server.last.logs(entries(40, 41));
  await request.json(page(entries(-5, 0)));
  assert.equal(await older, 0);
  assert.deepEqual(ids(stream.logs), [40, 41]);
});

test("a page that fails can be asked for again", async () => {
  const { stream, server } = await following();
  const failed = assert.rejects(stream.loadOlder(), /cannot be reached/);
  await server.last.refuse();
  await failed;
  stream.loadOlder();
  assert.equal(server.to("/api/logs").length, 2);
});

test("far below, entries are fetched on the way back down", async () => {
  const { stream, server } = await following({ maxEntries: 100 }, 100);
  stream.following = false;
  await server.last.logs(entries(101, 400));
  assert.equal(stream.logs.at(-1).id, 100);
  assert.equal(stream.hasNewer, true);
  const newer = stream.loadNewer(500);
  assert.equal(server.last.query.get("since"), "100");
  await server.last.json(page(entries(101, 400)));
  await newer;
  while (stream.hasNewer) await stream.loadNewer();
  assert.equal(stream.logs.at(-1).id, 400);
  ids(stream.logs).forEach((id, at, list) => assert.ok(at === 0 || id === list[at - 1] + 1));
});

test("a gap of the stream is told, and leaves no hole", async () => {
  const { stream, server, told } = await following();
  const gap = { job_id: "j1", from_id: 11, to_id: 500, count: 490, reason: "lag" };
  await server.last.event("gap", gap, "ab-500");
  await server.last.logs(entries(501, 505));
  assert.deepEqual(told("onGap")[0][1], gap);
  assert.deepEqual(ids(stream.logs), [501, 502, 503, 504, 505]);
  stream.loadOlder(10);
  assert.equal(server.last.query.get("before"), "501");
});

test("what retention deleted is told, and takes away no row", async () => {
  const { stream, server, told } = await following();
  await server.last.event("gap", { job_id: "j1", from_id: 1, to_id: 5, count: 5, reason: "retention" }, "ab-10");
  assert.equal(stream.logs.length, 10);
  assert.equal(told("onGap").length, 1);
});

test("another store behind the address: the window starts afresh", async () => {
  const { stream, server } = await following();
  await server.last.event("reset", {}, undefined);
  assert.equal(stream.logs.length, 0);
  assert.equal(stream.status, null);
  await server.last.event("logs", page(entries(1, 2)), "ff-2");
  assert.deepEqual(ids(stream.logs), [1, 2]);
  await server.last.cut();
  stream.reconnect();
  assert.equal(server.last.query.get("since"), "ff-2");
});

test("the end is told once, with the last counts, and nothing is asked any more", async () => {
  const { stream, server, clock, told } = await following();
  const counts = { debug: 3, info: 12, warn: 0, error: 1 };
  await server.last.event("end", { job_id: "j1", status: "failed", counts }, "ab-16");
  assert.equal(stream.state, "ended");
  assert.deepEqual([stream.status.status, stream.totalCount, stream.counts.error], ["failed", 16, 1]);
  assert.equal(told("onEnd").length, 1);
  assert.equal(told("onDisconnect").length, 1);
  await clock.advance(600_000);
  assert.equal(server.requests.length, 1);
  stream.setFilters({ level: "error" });
  await server.last.open();
  await server.last.logs(entries(16, 16));
  await server.last.event("end", { job_id: "j1", status: "failed", counts }, "ab-16");
  assert.equal(told("onEnd").length, 1);
  assert.equal(stream.state, "ended");
});

test("several jobs end when the last one has", async () => {
  const { stream, server, told } = follow({}, ["j1", "j2"]);
  stream.connect();
  assert.equal(server.last.url.search, "?scope=job&job_id=j1&job_id=j2");
  await server.last.open();
  await server.last.logs(entries(1, 2));
  await server.last.event("end", { job_id: "j2", status: "completed", counts: {} }, "ab-2");
  assert.equal(stream.state, "live");
  await server.last.event("end", { job_id: "j1", status: "completed", counts: {} }, "ab-2");
  assert.equal(stream.state, "ended");
  assert.equal(told("onEnd").length, 2);
});

test("a callback that throws does not stop the stream", async () => {
  const { stream, server, errors } = await following({ onLogs: () => { throw new Error("mine"); } });
  await server.last.logs(entries(11, 12));
  assert.equal(stream.logs.length, 12);
  assert.deepEqual(errors.map(({ message }) => message), ["mine", "mine"]);
  assert.equal(stream.state, "live");
});

test("the service log has its own scope, never a job's", async () => {
  const { environment, server } = fakeEnvironment();
  const stream = QuaeroLogs.createServiceStream({ endpoint: ENDPOINT, environment, limit: 200 });
  stream.connect();
  assert.equal(server.last.url.search, "?scope=service&limit=200");
  await server.last.open();
  await server.last.event("status", { service: { version: "1.0", streams: 2 } });
  await server.last.event("status", { service: { streams: 0 } });
  assert.deepEqual(stream.status, { version: "1.0", streams: 0 });
  stream.disconnect();
});

test("any endpoint of the protocol can be followed, from a cursor too", () => {
  const { environment, server } = fakeEnvironment();
  const url = "http://other.test/prefix/api/logs/stream";
  const options = { environment, scope: "job", job_id: "x", since: "ab-7", apiEndpoint: "http://other.test/pages" };
  const stream = QuaeroLogs.createStream(url, options);
  stream.connect();
  assert.equal(server.last.path, "/prefix/api/logs/stream");
  assert.equal(server.last.query.get("since"), "ab-7");
  assert.throws(() => QuaeroLogs.createStream(url, { environment, transport: "websocket" }), /unknown transport/);
});

test("getState is a copy of everything", async () => {
  const { stream } = await following();
  const state = stream.getState();
  state.logs.length = 0;
  assert.equal(stream.logs.length, 10);
  assert.equal(state.state, "live");
  assert.equal(state.cursor, "ab-10");
  assert.equal(typeof state.lastEventTime, "number");
});

test("entries by the thousand stay within the window", async () => {
  const { stream, server } = await following({ maxEntries: 1000 });
  for (let from = 11; from < 50_000; from += 2000) await server.last.logs(entries(from, from + 1999));
  await settle();
  assert.ok(stream.logs.length <= 1000);
  assert.equal(stream.logs.at(-1).id, 50_010);
  assert.equal(stream.hasOlder, true);
});

test("a jump shows what lies around an entry far away, and the stream goes on behind it", async () => {
  const { stream, server, told } = await following({ level: "debug" });
  const jump = stream.jumpTo(5);
  assert.equal(await jump, 4, "held already: nothing is asked for");
  const far = stream.jumpTo(100_000);
  await settle();
  assert.equal(server.last.query.get("around"), "100000");
  await server.last.json(page(entries(99_950, 100_050), { has_more: true }));
  const at = await far;
  assert.equal(stream.logs[at].id, 100_000);
  assert.deepEqual([stream.hasNewer, stream.following, told("onGap").length], [true, false, 0]);
});
