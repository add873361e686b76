/**
 * Fakes of the outside world: a clock that is moved by hand, a server whose answers are real bytes in real streams.
 * Nothing here waits for real time.
 */

import { createParser } from "eventsource-parser";

/** Let everything that is ready run: promises, streams, and what they start. */
export async function settle() {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Timers that fire when `advance` reaches them, in order. */
export class FakeClock {
  #now = Date.parse("2026-01-15T10:30:00Z");
  #timers = new Map();
  #next = 1;

  now = () => this.#now;

  setTimeout = (run, ms) => {
    this.#timers.set(this.#next, { run, at: this.#now + ms });
    return this.#next++;
  };

  clearTimeout = (id) => this.#timers.delete(id);

  get pending() {
    return this.#timers.size;
  }

  async advance(ms) {
    await settle();
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].run();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** One request as the server sees it; answered by the test. */
export class FakeExchange {
  #answer;
  #controller;

  constructor(url, init, answer) {
    this.url = new URL(url);
    this.query = this.url.searchParams;
    this.path = this.url.pathname;
    this.headers = init?.headers ?? {};
    this.method = init?.method ?? "GET";
    this.body = init?.body;
    this.aborted = false;
    this.#answer = answer;
    init?.signal?.addEventListener("abort", () => {
      this.aborted = true;
      this.#answer.reject(init.signal.reason);
    });
  }

  /** Answer with a status and a JSON body. */
  json(body, status = 200, headers = {}) {
    const text = status === 204 ? null : JSON.stringify(body);
    this.#answer.resolve(new Response(text, { status, headers: { "content-type": "application/json", ...headers } }));
    return settle();
  }

  /** The network breaks before there is an answer. */
  refuse() {
    this.#answer.reject(new TypeError("fetch failed"));
    return settle();
  }

  /** Answer with an event stream that stays open. */
  open(headers = {}) {
    const body = new ReadableStream({ start: (controller) => (this.#controller = controller) });
    const type = { "content-type": "text/event-stream; charset=utf-8" };
    this.#answer.resolve(new Response(body, { headers: { ...type, ...headers } }));
    return settle();
  }

  /** Send bytes, or text, as they are. */
  write(chunk) {
    this.#controller.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
    return settle();
  }

  /** Send one event. */
  event(name, data, id) {
    return this.write(frame(name, data, id));
  }

  /** Send a batch of entries, its id that of the last one. */
  logs(entries, meta = {}) {
    return this.event("logs", page(entries, meta), `ab-${entries.at(-1)?.id ?? 0}`);
  }

  /** The stream ends as a server ends it. */
  close() {
    this.#controller.close();
    return settle();
  }

  /** The connection breaks. */
  cut() {
    this.#controller.error(new TypeError("network error"));
    return settle();
  }
}

/** Answers `fetch`: the exchanges wait in `requests` for the test to answer them. */
export class FakeServer {
  requests = [];

  fetch = (url, init) =>
    new Promise((resolve, reject) => {
      this.requests.push(new FakeExchange(url, init, { resolve, reject }));
    });

  get last() {
    return this.requests.at(-1);
  }

  /** Requests whose path ends so, oldest first. */
  to(ending) {
    return this.requests.filter(({ path }) => path.endsWith(ending));
  }
}

/** Everything a stream needs, with a page that can be woken and put to sleep by hand. */
export function fakeEnvironment() {
  const clock = new FakeClock();
  const server = new FakeServer();
  const page = { watchers: new Set(), wake: () => page.each("wake"), sleep: () => page.each("sleep") };
  page.each = (name) => [...page.watchers].forEach((watcher) => watcher[name]());
  const errors = [];
  const environment = {
    createParser,
    fetch: server.fetch,
    clock,
    random: () => 0.5,
    token: () => null,
    watchPage(watcher) {
      page.watchers.add(watcher);
      return () => page.watchers.delete(watcher);
    },
    report: (error) => errors.push(error),
  };
  return { environment, clock, server, page, errors };
}

/** The text of one SSE event. */
export function frame(name, data, id) {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** One entry. */
export function entry(id, extra = {}) {
  const timestamp = "2026-01-15T10:30:45.123Z";
  return { id, timestamp, level: "info", message: `message ${id}`, job_id: "j1", originator: "", source: "", ...extra };
}

/** Entries from one id to another. */
export function entries(from, to, extra = {}) {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => entry(from + index, extra));
}

/** The body of a batch or a page. */
export function page(list, meta = {}) {
  const counts = { debug: 0, info: list.length, warn: 0, error: 0 };
  const ids = { oldest_id: list[0]?.id ?? null, newest_id: list.at(-1)?.id ?? null };
  const numbers = { total_count: list.length, displayed_count: list.length, has_more: false, counts };
  return { logs: list, meta: { ...numbers, ...ids, ...meta } };
}

/** A status of one job. */
export function status(id = "j1", job = {}, steps = []) {
  const times = { started_at: "2026-01-15T10:29:00.000Z", finished_at: null, error: null };
  return { job: { id, definition: "demo", name: "Demo", status: "running", progress: 10, ...times, ...job }, steps };
}
