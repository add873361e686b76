/** The fetch transport: bytes in any cut -> the same events; answers other than a stream -> what they mean. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { openFetchStream } from "../../js/lib/sse-fetch.js";
import { fakeEnvironment, frame, settle } from "../support/fakes.mjs";

function listen(environment) {
  const seen = { opened: 0, events: [], retries: [], outcome: null };
  const request = { url: "http://quaero.test/api/logs/stream", headers: { Authorization: "Bearer t" } };
  const stream = openFetchStream(request, environment, {
    onOpen: () => (seen.opened += 1),
    onEvent: (name, data, id) => seen.events.push([name, JSON.parse(data), id]),
    onRetry: (ms) => seen.retries.push(ms),
    onClose: (outcome) => (seen.outcome = outcome),
  });
  return { seen, stream };
}

const TEXT = `retry: 1500\n\n: a comment\n${frame("logs", { m: "Größe 漢字 🎉\r\nnext" }, "ab-7")}${frame("ping", {}, "ab-8")}`;
const EVENTS = [["logs", { m: "Größe 漢字 🎉\r\nnext" }, "ab-7"], ["ping", {}, "ab-8"]];

test("any cut through the bytes gives the same events, multi-byte characters too", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (const size of [1, 2, 3, 5, 64, bytes.length]) {
    const { environment, server } = fakeEnvironment();
    const { seen } = listen(environment);
    await server.last.open();
    for (let at = 0; at < bytes.length; at += size) await server.last.write(bytes.slice(at, at + size));
    assert.deepEqual(seen.events, EVENTS, `in pieces of ${size}`);
    assert.deepEqual(seen.retries, [1500]);
    assert.equal(seen.opened, 1);
  }
});

test("lines may end in CR LF, as a proxy may make them", async () => {
  const { environment, server } = fakeEnvironment();
  const { seen } = listen(environment);
  await server.last.open();
  await server.last.write(frame("ping", { a: 1 }, "ab-1").replaceAll("\n", "\r\n"));
  await server.last.write("event: ping\r\ndata: {}\r\n\r\n");
  assert.deepEqual(seen.events[0], ["ping", { a: 1 }, "ab-1"]);
});

test("an event that is cut off is not delivered, so that it comes whole the next time", async () => {
  const { environment, server } = fakeEnvironment();
  const { seen } = listen(environment);
  await server.last.open();
  await server.last.write("id: ab-9\nevent: logs\ndata: {}\n");
  await server.last.close();
  assert.deepEqual(seen.events, []);
  assert.equal(seen.outcome, "cut");
});

test("the token and the wanted type are sent", () => {
  const { environment, server } = fakeEnvironment();
  listen(environment);
  assert.equal(server.last.headers.Authorization, "Bearer t");
  assert.equal(server.last.headers.Accept, "text/event-stream");
});

test("204 means finished, and a refusal carries the server's words", async () => {
  const one = fakeEnvironment();
  const finished = listen(one.environment);
  await one.server.last.json(null, 204);
  assert.equal(finished.seen.outcome, "finished");

  const other = fakeEnvironment();
  const refused = listen(other.environment);
  await other.server.last.json({ error: "level: must be one of debug", hint: "try warn", parameter: "level" }, 400);
  const { status, message, hint, parameter, fatal } = refused.seen.outcome;
  const expected = { status: 400, message: "level: must be one of debug", hint: "try warn", parameter: "level" };
  assert.deepEqual({ status, message, hint, parameter }, expected);
  assert.equal(fatal, true);
});

test("503 is worth another try, after the time that the server names", async () => {
  const { environment, server } = fakeEnvironment();
  const { seen } = listen(environment);
  await server.last.json({ error: "too many streams" }, 503, { "retry-after": "7" });
  assert.equal(seen.outcome.fatal, false);
  assert.equal(seen.outcome.retryAfterMs, 7000);
});

test("a page of a proxy with status 200 is no stream", async () => {
  const { environment, server } = fakeEnvironment();
  const { seen } = listen(environment);
  await server.last.json({ welcome: "to the hotel's wifi" });
  assert.match(seen.outcome.message, /not an event stream/);
  assert.equal(seen.outcome.fatal, false);
});

test("an unreachable server is a failure that may pass", async () => {
  const { environment, server } = fakeEnvironment();
  const { seen } = listen(environment);
  await server.last.refuse();
  assert.match(seen.outcome.message, /cannot be reached/);
});

test("after close nothing is reported, and the request is given up", async () => {
  const { environment, server } = fakeEnvironment();
  const { seen, stream } = listen(environment);
  await server.last.open();
  stream.close();
  await settle();
  assert.equal(server.last.aborted, true);
  assert.equal(seen.outcome, null);
});
