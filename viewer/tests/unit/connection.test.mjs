/** Keeping the stream open: back-off, Retry-After, watchdog, waking, ends and failures. Time is virtual. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../js/lib/backoff.js";
import { entries, fakeEnvironment, frame, page, settle } from "../support/fakes.mjs";
import { QuaeroLogs } from "../../js/log-stream.js";

function follow(options = {}) {
  const fake = fakeEnvironment();
  const { environment } = fake;
  const states = [];
  const failures = [];
  const stream = QuaeroLogs.createJobStream("j1", {
    endpoint: "http://quaero.test/api/logs/stream",
    environment: { ...environment, ...options.environment },
    onState: (state) => states.push(state),
    onError: (error) => failures.push(error),
    ...options.stream,
  });
  stream.connect();
  const streams = () => fake.server.to("/stream").length;
  return { ...fake, stream, states, failures, streams };
}

async function live(options) {
  const all = follow(options);
  await all.server.last.open();
  await all.server.last.logs(entries(1, 10));
  return all;
}

test("waits grow with jitter between 0.5 s and 30 s, without end", () => {
  for (const [random, floor, ceiling] of [[() => 0, 500, 500], [() => 0.999999, 999, 30_000]]) {
    const backoff = new Backoff(random);
    const waits = Array.from({ length: 200 }, () => backoff.next());
    assert.ok(waits[0] >= floor && waits[0] <= 1000, `first ${waits[0]}`);
    assert.ok(waits.every((wait) => wait >= 500 && wait <= 30_000));
    assert.equal(waits.at(-1), ceiling);
  }
});

test("retry: is the shortest wait, Retry-After too, and neither brings a herd back at once", () => {
  const backoff = new Backoff(() => 0.5);
  backoff.setFloor(4000);
  assert.ok(backoff.next() >= 4000);
  backoff.setFloor(10);
  assert.ok(backoff.next() >= 500);
  assert.equal(backoff.next(60_000), 60_250);
});

test("a cut stream comes back behind what was read, and misses nothing", async () => {
  const { stream, server, clock, states } = await live();
  await server.last.cut();
  assert.equal(stream.state, "retrying");
  assert.equal(stream.retryAt, clock.now() + 750);
  await clock.advance(750);
  assert.equal(server.last.query.get("since"), "ab-10");
  await server.last.open();
  await server.last.logs(entries(9, 12));
  assert.deepEqual(stream.logs.map(({ id }) => id), Array.from({ length: 12 }, (_, at) => at + 1));
  assert.deepEqual(states, ["connecting", "live", "retrying", "connecting", "live"]);
});

test("an end of the stream without `end` is a cut", async () => {
  const { stream, server } = await live();
  await server.last.close();
  assert.equal(stream.state, "retrying");
});

test("it never gives up, and starts over once something was delivered", async () => {
  const { stream, server, clock } = await live();
  await server.last.cut();
  for (let attempt = 0; attempt < 50; attempt += 1) {
    await clock.advance(stream.retryAt - clock.now());
    await server.last.refuse();
  }
  assert.equal(stream.state, "retrying");
  assert.ok(stream.getState().attempt > 50);
  await clock.advance(stream.retryAt - clock.now());
  await server.last.open();
  await server.last.event("ping", {}, "ab-11");
  assert.equal(stream.getState().attempt, 0);
});

test("a full server is asked again when it says", async () => {
  const { server, clock, streams, stream } = follow();
  await server.last.json({ error: "too many streams" }, 503, { "Retry-After": "20" });
  assert.equal(stream.error.message, "too many streams");
  await clock.advance(19_000);
  assert.equal(streams(), 1);
  await clock.advance(2000);
  assert.equal(streams(), 2);
});

test("the server's retry: is honoured", async () => {
  const { server, clock, streams } = await live();
  await server.last.write("retry: 10000\n\n");
  await server.last.cut();
  await clock.advance(9900);
  assert.equal(streams(), 1);
  await clock.advance(10_000);
  assert.equal(streams(), 2);
});

test("a shutdown is followed by one reconnect, after the time it names", async () => {
  const { server, clock, streams, stream } = await live();
  await server.last.event("shutdown", { retry_ms: 1234 }, "ab-10");
  assert.equal(stream.state, "retrying");
  await clock.advance(1233);
  assert.equal(streams(), 1);
  await clock.advance(1);
  assert.equal(streams(), 2);
  await clock.advance(5000);
  assert.equal(streams(), 2);
});

for (const wait of ["online", "shown"]) {
  test(`when the page is ${wait} again the next try is at once, and the only one`, async () => {
    const { server, clock, streams, page: shown } = await live();
    await server.last.cut();
    shown.wake();
    assert.equal(streams(), 2);
    await clock.advance(5000);
    assert.equal(streams(), 2);
  });
}

test("waking does nothing to a stream that is well", async () => {
  const { streams, page: shown, stream } = await live();
  shown.wake();
  assert.equal(streams(), 1);
  assert.equal(stream.state, "live");
});

test("a page that is put away lets go of its connection, and comes back with it", async () => {
  const { server, clock, streams, page: shown } = await live();
  shown.sleep();
  assert.equal(server.last.aborted, true);
  await clock.advance(3_600_000);
  assert.equal(streams(), 1);
  shown.wake();
  assert.equal(streams(), 2);
  assert.equal(server.last.query.get("since"), "ab-10");
});

test("silence: what is missing is fetched after the cursor, then the stream is opened anew", async () => {
  const { stream, server, clock, streams } = await live();
  await clock.advance(14_999);
  assert.equal(stream.state, "live");
  await clock.advance(1);
  assert.equal(stream.state, "stale");
  assert.equal(server.requests[0].aborted, true);
  assert.equal(server.last.url.pathname, "/api/logs");
  assert.equal(server.last.url.search, "?scope=job&job_id=j1&limit=500&since=ab-10");
  await server.last.json(page(entries(11, 15)));
  assert.equal(stream.logs.length, 15);
  assert.equal(streams(), 2);
  assert.equal(server.last.query.get("since"), "ab-10");
  await server.last.open();
  await server.last.logs(entries(11, 16));
  assert.equal(stream.logs.length, 16);
  assert.equal(stream.state, "live");
});

test("pings keep the watchdog quiet", async () => {
  const { stream, server, clock } = await live();
  for (let ping = 0; ping < 10; ping += 1) {
    await clock.advance(5000);
    await server.last.event("ping", { timestamp: "" }, `ab-${11 + ping}`);
  }
  assert.equal(stream.state, "live");
  assert.equal(server.requests.length, 1);
  await server.last.cut();
  await clock.advance(1000);
  assert.equal(server.last.query.get("since"), "ab-20", "a ping moves the cursor over filtered entries");
});

test("a slept laptop notices on waking, without waiting for its timers", async () => {
  const { stream, clock, page: shown } = await live();
  const now = clock.now;
  clock.now = () => now() + 60_000;
  shown.wake();
  assert.equal(stream.state, "stale");
});

test("when the missing entries cannot be fetched either, it goes on trying", async () => {
  const { stream, server, clock, streams } = await live();
  await clock.advance(15_000);
  await server.last.refuse();
  assert.equal(stream.state, "retrying");
  await clock.advance(1000);
  assert.equal(streams(), 2);
});

test("a hanging fetch of missing entries does not hang the stream", async () => {
  const { stream, server, clock, streams } = await live();
  await clock.advance(15_000);
  const hanging = server.last;
  await clock.advance(15_000);
  assert.equal(stream.state, "retrying");
  await clock.advance(1000);
  assert.equal(streams(), 2);
  await hanging.json(page(entries(11, 12)));
  assert.equal(streams(), 2, "the late answer starts nothing");
});

test("a server that accepts and says nothing is left after 15 s", async () => {
  const { stream, server, clock } = follow();
  await clock.advance(15_000);
  assert.equal(stream.state, "retrying");
  assert.equal(server.requests[0].aborted, true);
});

test("204 is the end: nothing is asked any more", async () => {
  const { stream, server, clock, streams, page: shown } = follow();
  await server.last.json(null, 204);
  assert.equal(stream.state, "ended");
  shown.wake();
  await clock.advance(600_000);
  assert.equal(streams(), 1);
});

for (const code of [400, 401, 404]) {
  test(`${code} will not change: failed, with the server's words, and no further try`, async () => {
    const { stream, server, clock, failures, streams, page: shown } = follow();
    await server.last.json({ error: "no such job: j1", hint: "quaero jobs" }, code);
    assert.equal(stream.state, "failed");
    assert.deepEqual([failures[0].status, failures[0].message, failures[0].hint], [code, "no such job: j1", "quaero jobs"]);
    assert.equal(stream.error.fatal, true);
    shown.wake();
    await clock.advance(600_000);
    assert.equal(streams(), 1);
    stream.connect();
    assert.equal(streams(), 2);
  });
}

test("a token that expires while the stream is silent fails it", async () => {
  const { stream, server, clock } = await live();
  await clock.advance(15_000);
  await server.last.json({ error: "the token is not valid" }, 401);
  assert.equal(stream.state, "failed");
});

test("what a superseded connection still says is dropped", async () => {
  const { stream, server } = await live();
  const old = server.last;
  stream.setFilters({ level: "warn" });
  await settle();
  assert.equal(old.aborted, true);
  await server.last.open();
  await server.last.logs(entries(50, 50));
  assert.deepEqual(stream.logs.map(({ id }) => id), [50]);
});

test("an event that is no JSON is a broken stream, not a broken page", async () => {
  const { stream, server, failures } = await live();
  await server.last.write("event: logs\ndata: {oops\n\n");
  assert.equal(stream.state, "retrying");
  assert.match(failures[0].message, /broken logs event/);
});

/** An EventSource as the standard has it, driven by hand. */
class FakeEventSource {
  static opened = [];
  listeners = {};
  closed = false;
  constructor(url) {
    this.url = new URL(url);
    FakeEventSource.opened.push(this);
  }
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
  close() {
    this.closed = true;
  }
  send(name, data, id) {
    this.listeners[name]({ data: JSON.stringify(data), lastEventId: id });
  }
}

function byEventSource() {
  FakeEventSource.opened = [];
  const all = follow({ environment: { EventSource: FakeEventSource }, stream: { transport: "eventsource" } });
  return { ...all, sources: FakeEventSource.opened };
}

test("EventSource: the same entries, and its own reconnecting never races with ours", async () => {
  const { stream, server, clock, sources } = byEventSource();
  sources[0].onopen();
  sources[0].send("logs", page(entries(1, 3)), "ab-3");
  assert.equal(stream.logs.length, 3);
  sources[0].onerror();
  assert.equal(sources[0].closed, true);
  await server.last.open();
  assert.equal(stream.state, "retrying");
  await clock.advance(1000);
  assert.equal(sources.length, 2);
  assert.equal(sources[1].url.searchParams.get("since"), "ab-3");
  stream.disconnect();
});

test("EventSource: what it cannot see is asked for once", async () => {
  const ended = byEventSource();
  ended.sources[0].onerror();
  await ended.server.last.json(null, 204);
  assert.equal(ended.stream.state, "ended");

  const unknown = byEventSource();
  unknown.sources[0].onerror();
  await unknown.server.last.json({ error: "no such job" }, 404);
  assert.equal(unknown.stream.state, "failed");

  const away = byEventSource();
  away.sources[0].onerror();
  await away.server.last.refuse();
  assert.equal(away.stream.state, "retrying");
  away.stream.disconnect();
});

test("events in one chunk after the end are not looked at", async () => {
  const { stream, server, failures } = await live();
  const end = frame("end", { job_id: "j1", status: "completed", counts: { info: 10 } }, "ab-10");
  await server.last.write(end + "event: logs\ndata: {oops\n\n");
  assert.equal(stream.state, "ended");
  assert.deepEqual(failures, []);
});
