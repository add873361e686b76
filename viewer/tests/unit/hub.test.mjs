/** Streams that share one connection: in a page, and over message ports in a worker. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { entries, fakeEnvironment, frame, page, settle, status } from "../support/fakes.mjs";
import { StreamError } from "../../js/lib/failure.js";
import { Hub } from "../../js/lib/hub.js";
import { ASK_MS, HubService } from "../../js/lib/hub-service.js";
import { SharedHub } from "../../js/lib/shared-hub.js";
import { QuaeroLogs } from "../../js/log-stream.js";

const ENDPOINT = "http://quaero.test/api/logs/stream";
const asked = (exchange) => exchange.query.getAll("stream");
const ids = (list) => list.map(({ id }) => id);

/** Handlers that write down what they are told. */
function note() {
  const calls = [];
  const names = ["onOpen", "onEvent", "onRetry", "onClose"];
  const handlers = Object.fromEntries(names.map((name) => [name, (...args) => calls.push([name, ...args])]));
  return { calls, handlers, events: () => calls.filter(([name]) => name === "onEvent").map(([, name, data]) => [name, JSON.parse(data)]) };
}

/** A hub, and a stream of each query on it; the connection is open. */
async function hubWith(...queries) {
  const fake = fakeEnvironment();
  const hub = new Hub(fake.environment);
  const streams = queries.map((query) => {
    const told = note();
    return { ...told, handle: hub.open({ url: `${ENDPOINT}?${query}`, headers: {} }, told.handlers) };
  });
  await fake.clock.advance(0);
  await fake.server.last?.open();
  return { ...fake, hub, streams };
}

/** Say whose events follow, and send some. */
function tell(exchange, channel, ...events) {
  return exchange.write(frame("channel", { channel }) + events.map((each) => frame(...each)).join(""));
}

const logs = (from, to) => ["logs", page(entries(from, to)), `ab-${to}`];

test("streams opened in one go share one connection, and each is told its own", async () => {
  const { server, streams: [one, other] } = await hubWith("scope=job&job_id=j1", "scope=service");
  assert.equal(server.requests.length, 1);
  assert.equal(server.last.path, "/api/logs/streams");
  assert.deepEqual(asked(server.last), ["scope=job&job_id=j1", "scope=service"]);
  await tell(server.last, 1, logs(1, 2));
  await tell(server.last, 0, logs(3, 3));
  assert.deepEqual(one.events().map(([, { logs: list }]) => ids(list)), [[3]]);
  assert.deepEqual(other.events().map(([, { logs: list }]) => ids(list)), [[1, 2]]);
  assert.deepEqual(one.calls.map(([name]) => name), ["onOpen", "onEvent"]);
});

test("a stream that joins opens the connection anew; the others go on behind their last event", async () => {
  const { hub, server, clock, streams: [one] } = await hubWith("scope=job&job_id=j1&limit=100");
  const first = server.last;
  await tell(first, 0, ["status", status(), "ab-0"], logs(1, 5));
  const late = note();
  hub.open({ url: `${ENDPOINT}?scope=service`, headers: {} }, late.handlers);
  await clock.advance(0);
  assert.equal(first.aborted, true);
  assert.deepEqual(asked(server.last), ["scope=job&job_id=j1&limit=100&since=ab-5", "scope=service"]);
  await server.last.open();
  await tell(server.last, 0, logs(6, 6));
  await tell(server.last, 1, logs(2, 2));
  assert.deepEqual(one.events().flatMap(([, { logs: list = [] }]) => ids(list)), [1, 2, 3, 4, 5, 6]);
  assert.equal(one.calls.filter(([name]) => name === "onOpen").length, 1);
  assert.equal(late.events().length, 1);
});

test("a stream that was told its states alone is opened from its beginning again", async () => {
  const { hub, server, clock } = await hubWith("scope=job&job_id=j1&limit=100");
  await tell(server.last, 0, ["status", status(), "ab-90"]);
  hub.open({ url: `${ENDPOINT}?scope=service`, headers: {} }, note().handlers);
  await clock.advance(0);
  assert.equal(asked(server.last)[0], "scope=job&job_id=j1&limit=100");
});

test("another store: the place in the old one is forgotten", async () => {
  const { hub, server, clock } = await hubWith("scope=job&job_id=j1&since=ab-7");
  await tell(server.last, 0, ["reset", {}, "cd-3"], ["status", status(), "cd-3"]);
  hub.open({ url: `${ENDPOINT}?scope=service`, headers: {} }, note().handlers);
  await clock.advance(0);
  assert.equal(asked(server.last)[0], "scope=job&job_id=j1");
});

test("what is over or refused is told to its stream alone, with the server's words", async () => {
  const { server, streams: [one, two, three] } = await hubWith("job_id=j1&since=ab-9", "job_id=nosuch", "job_id=j3");
  await tell(server.last, 0, ["over", { status: 204 }]);
  await tell(server.last, 1, ["over", { status: 404, error: "no job nosuch", hint: "look" }]);
  await tell(server.last, 2, logs(1, 1));
  assert.deepEqual(one.calls, [["onClose", "finished"]]);
  const [[, failure]] = two.calls;
  assert.ok(failure instanceof StreamError && failure.fatal);
  assert.deepEqual([failure.message, failure.hint], ["no job nosuch", "look"]);
  assert.equal(three.events().length, 1);
});

test("a connection that breaks, or is refused, is told to all, and nothing tries again by itself", async () => {
  const { server, clock, streams } = await hubWith("job_id=j1", "job_id=j2");
  await server.last.cut();
  for (const { calls } of streams) assert.ok(calls.at(-1)[1] instanceof StreamError);
  await clock.advance(60_000);
  assert.equal(server.requests.length, 1);
  const again = await hubWith();
  const told = note();
  again.hub.open({ url: `${ENDPOINT}?job_id=j1`, headers: {} }, told.handlers);
  await again.clock.advance(0);
  await again.server.last.json({ error: "a token is needed" }, 401);
  assert.equal(told.calls.at(-1)[1].status, 401);
});

test("the last one to leave closes the connection; one whose job has ended changes nothing", async () => {
  const { server, clock, streams: [one, other] } = await hubWith("job_id=j1", "job_id=j2");
  await tell(server.last, 0, ["end", { job_id: "j1", status: "completed" }, "ab-9"]);
  one.handle.close();
  await clock.advance(0);
  assert.equal(server.requests.length, 1);
  other.handle.close();
  assert.equal(server.last.aborted, true);
  await clock.advance(0);
  assert.equal(server.requests.length, 1);
});

test("readers with another token, and more than an address can hold, have a connection of their own", async () => {
  const { hub, server, clock } = await hubWith("job_id=j1");
  hub.open({ url: `${ENDPOINT}?job_id=j2`, headers: { Authorization: "Bearer x" } }, note().handlers);
  await clock.advance(0);
  assert.equal(server.requests.length, 2);
  assert.equal(server.last.headers.Authorization, "Bearer x");
  for (let number = 0; number < 60; number += 1) {
    hub.open({ url: `${ENDPOINT}?scope=job&job_id=other${number}&level=debug`, headers: {} }, note().handlers);
  }
  await clock.advance(0);
  const open = server.requests.filter(({ aborted }) => !aborted);
  assert.ok(open.length >= 3);
  assert.ok(open.every(({ url }) => url.pathname.length + url.search.length < 4000));
  assert.equal(open.flatMap(asked).length, 62);
});

test("a reader that is held is told nothing, then goes on where it was", async () => {
  const { server, clock, streams: [one, other] } = await hubWith("job_id=j1", "job_id=j2");
  await tell(server.last, 0, logs(1, 3));
  one.handle.hold();
  await tell(server.last, 0, logs(4, 6));
  await tell(server.last, 1, logs(7, 7));
  one.handle.resume();
  await clock.advance(0);
  assert.deepEqual(asked(server.last), ["job_id=j1&since=ab-3", "job_id=j2&since=ab-7"]);
  await server.last.open();
  await tell(server.last, 0, logs(4, 6));
  assert.deepEqual(one.events().flatMap(([, { logs: list }]) => ids(list)), [1, 2, 3, 4, 5, 6]);
  assert.equal(other.events().length, 1);
});

/** Two ends of a message channel. */
function ports() {
  const make = () => ({ sent: [], silent: false, onmessage: () => {} });
  const [one, other] = [make(), make()];
  const join = (from, to) => (from.postMessage = (data) => {
    from.sent.push(structuredClone(data));
    if (!from.silent) queueMicrotask(() => to.onmessage({ data: structuredClone(data) }));
  });
  join(one, other);
  join(other, one);
  return [one, other];
}

/** Some tabs on one worker. */
function tabs(count) {
  const fake = fakeEnvironment();
  const service = new HubService(new Hub(fake.environment), fake.clock);
  const made = Array.from({ length: count }, () => {
    const [mine, theirs] = ports();
    service.attach(theirs);
    const tab = { port: mine, theirs };
    tab.hub = new SharedHub({ ...fake.environment, openWorker: (onDead) => {
      tab.kill = onDead;
      return mine;
    } });
    tab.environment = { ...fake.environment, transport: "shared", hub: () => tab.hub };
    return tab;
  });
  return { ...fake, service, tabs: made };
}

const follow = (environment, options = {}) =>
  QuaeroLogs.createJobStream("j1", { endpoint: ENDPOINT, environment, ...options }).connect();

test("the streams of all tabs go over one connection of the worker", async () => {
  const { clock, server, tabs: all } = tabs(8);
  const streams = all.map(({ environment }) => follow(environment));
  await clock.advance(0);
  assert.equal(server.requests.filter(({ aborted }) => !aborted).length, 1);
  assert.equal(asked(server.last).length, 8);
  await server.last.open();
  for (let channel = 0; channel < 8; channel += 1) {
    await tell(server.last, channel, ["status", status(), "ab-0"], logs(1, channel + 1));
  }
  assert.deepEqual(streams.map((stream) => [stream.state, stream.logs.length]), streams.map((_, at) => ["live", at + 1]));
  streams.slice(1).forEach((stream) => stream.disconnect());
  await clock.advance(0);
  assert.deepEqual(asked(server.last), ["scope=job&job_id=j1&since=ab-1"]);
});

test("a refusal, and an end, reach the tab as what they are", async () => {
  const { clock, server, tabs: [one, other] } = tabs(2);
  const errors = [];
  const [refused, ended] = [follow(one.environment, { onError: (error) => errors.push(error) }), follow(other.environment)];
  await clock.advance(0);
  await server.last.open();
  await tell(server.last, 0, ["over", { status: 404, error: "no job j1", hint: "look" }]);
  await tell(server.last, 1, ["over", { status: 204 }]);
  assert.deepEqual([refused.state, ended.state], ["failed", "ended"]);
  assert.deepEqual([errors[0].status, errors[0].hint], [404, "look"]);
});

test("a tab that does not keep up is held back alone, and loses nothing", async () => {
  const { clock, server, tabs: [slow, quick] } = tabs(2);
  const [one, other] = [follow(slow.environment), follow(quick.environment)];
  await clock.advance(0);
  await server.last.open();
  slow.port.silent = true; // it takes what comes, and never says so
  const much = { message: "x".repeat(1024 * 1024) };
  for (let id = 1; id <= 20; id += 1) {
    for (const channel of [0, 1]) await tell(server.last, channel, ["logs", page(entries(id, id, much)), `ab-${id}`]);
  }
  assert.equal(other.logs.length, 20);
  assert.ok(one.logs.length < 20);
  slow.port.silent = false;
  const seen = one.logs.length;
  for (const message of slow.port.sent.filter(({ took }) => took)) slow.theirs.onmessage({ data: message });
  await clock.advance(0);
  assert.equal(asked(server.last)[0], `scope=job&job_id=j1&since=ab-${seen}`);
});

test("a tab that has gone without a word is forgotten", async () => {
  const { clock, server, service, tabs: [gone, here] } = tabs(2);
  follow(gone.environment);
  follow(here.environment);
  await clock.advance(0);
  gone.port.silent = true;
  await clock.advance(5 * ASK_MS);
  assert.equal(service.tabs, 1);
  await clock.advance(0);
  assert.equal(asked(server.last).length, 1);
});

test("without shared workers the page has one connection of its own", async () => {
  const fake = fakeEnvironment();
  const hub = new SharedHub({ ...fake.environment, openWorker: () => null });
  assert.equal(hub.alone, true);
  const environment = { ...fake.environment, transport: "shared", hub: () => hub };
  const streams = [follow(environment), follow(environment)];
  await fake.clock.advance(0);
  await fake.server.last.open();
  for (const channel of [0, 1]) await tell(fake.server.last, channel, logs(1, 2));
  assert.equal(fake.server.requests.length, 1);
  assert.deepEqual(streams.map(({ logs: list }) => list.length), [2, 2]);
});

test("a worker that cannot be started, or never answers, is replaced without a word", async () => {
  for (const fail of [(tab) => tab.kill(), (tab, clock) => clock.advance(10_000)]) {
    const { clock, server, tabs: [tab] } = tabs(1);
    tab.port.silent = true;
    const stream = follow(tab.environment);
    await settle();
    await fail(tab, clock);
    await clock.advance(0);
    await server.last.open();
    await tell(server.last, 0, logs(1, 2));
    assert.deepEqual([stream.state, stream.logs.length, tab.hub.alone], ["live", 2, true]);
  }
});

test("a worker that dies is a cut line: the page goes on by itself, behind what it was told", async () => {
  const { clock, server, tabs: [tab] } = tabs(1);
  const stream = follow(tab.environment);
  await clock.advance(0);
  await server.last.open();
  await tell(server.last, 0, logs(1, 2));
  tab.kill();
  assert.equal(stream.state, "retrying");
  await clock.advance(2000);
  assert.deepEqual(asked(server.last), ["scope=job&job_id=j1&since=ab-2"]);
});
