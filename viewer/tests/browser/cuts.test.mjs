/**
 * A job is followed through a line that breaks again and again; the page's entries are the store's.
 *
 * Between the browser and the server is a proxy that cuts each stream after a random number of bytes. QUAERO_JOB is a
 * job that runs until it is cancelled; QUAERO_CUTS how many cuts it runs for; QUAERO_SEED repeats a run.
 */

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { after, test } from "node:test";

import { allStored, needed, openPage, TOKEN } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const CUTS = Number(needed("QUAERO_CUTS"));
const SEED = Number(process.env.QUAERO_SEED ?? Date.now() % 1e6);
const SERVER = new URL(needed("QUAERO_URL"));
const LONGEST = 300_000; // bytes of a stream until it is cut: some batches, and in the midst of one

let state = SEED;
function draw(limit) {
  state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
  return Math.floor((state / 4_294_967_296) * limit);
}

/** Ends the job: what follows is read over a line that goes on being cut. */
async function cancel() {
  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
  const answer = await fetch(new URL(`/api/jobs/${JOB}/cancel`, SERVER), { method: "POST", headers, body: "{}" });
  assert.ok(answer.ok, `cancel: ${answer.status}`);
}

let cuts = 0;
const proxy = createServer((browser) => {
  const server = connect(Number(SERVER.port), SERVER.hostname);
  let left = Infinity;
  const end = () => {
    browser.destroy();
    server.destroy();
  };
  browser.on("data", (bytes) => {
    const text = bytes.toString("latin1");
    if (text.includes("/api/logs/stream")) left = 500 + draw(LONGEST);
    // The server answers to its own name alone; both ports have as many digits.
    server.write(text.replaceAll(`127.0.0.1:${proxy.address().port}`, `127.0.0.1:${SERVER.port}`), "latin1");
  });
  server.on("data", (bytes) => {
    if (left <= 0) return; // it is cut: a later piece would close the hole, and two halves of entries look like one
    browser.write(bytes.subarray(0, left));
    left -= bytes.length;
    if (left > 0) return;
    cuts += 1;
    if (cuts === CUTS) cancel();
    setImmediate(end);
  });
  for (const socket of [browser, server]) {
    socket.on("error", end);
    socket.on("close", end);
  }
});
after(() => proxy.close());

test(`every entry once, in order, over a line that is cut (seed ${SEED})`, async () => {
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { page, close } = await openPage({ url: `http://127.0.0.1:${proxy.address().port}` });
  await page.evaluate(async (job) => {
    const { createJobStream } = await import("/static/js/log-stream.js");
    globalThis.seen = [];
    globalThis.ended = false;
    globalThis.holes = []; // what happened before a line was missing
    const happened = [];
    const note = (...what) => happened.push([Math.round(performance.now()), ...what]);
    let last = 0;
    globalThis.stream = createJobStream(job, {
      level: "debug", limit: 100, maxEntries: 200_000,
      onLogs: (logs) => {
        note("logs", logs[0]?.job_line, logs.at(-1)?.job_line, logs.length, globalThis.stream.cursor);
        for (const { job_line: line } of logs) {
          if (last && line !== last + 1) globalThis.holes.push([last, line, ...happened.slice(-12)]);
          last = line;
        }
        globalThis.seen.push(...logs.map(({ id }) => id));
      },
      onEnd: () => (globalThis.ended = true),
    });
    // Cuts come one after the other: the test does not wait longer each time, as a person would.
    globalThis.stream.onState = (next) => {
      note(next, globalThis.stream.cursor);
      if (next === "retrying") setTimeout(() => globalThis.stream.reconnect(), 20);
    };
    globalThis.stream.connect();
  }, JOB);
  await page.waitForFunction(() => globalThis.ended, undefined, { timeout: 240_000 + 5000 * CUTS });
  const { seen, held } = await page.evaluate(() => ({ seen: globalThis.seen, held: globalThis.stream.logs.map(({ id }) => id) }));
  assert.deepEqual(await page.evaluate(() => globalThis.holes), []);
  const stored = (await allStored(JOB)).map(({ id }) => id);
  const wanted = stored.slice(stored.indexOf(seen[0])); // it began with the newest hundred
  const differ = (list) => list.findIndex((id, at) => id !== wanted[at]);
  assert.deepEqual([seen.length, differ(seen)], [wanted.length, -1]);
  assert.deepEqual([held.length, differ(held)], [wanted.length, -1]);
  await close();
});
