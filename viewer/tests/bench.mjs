/**
 * Measures the list of entries in a real Chromium, and a naive list (Alpine's `x-for`) as its peer; prints JSON.
 *
 * QUAERO_URL is a server, QUAERO_SECONDS how long each of both is fed, QUAERO_RATE with how many entries a second.
 */

import { chromium } from "playwright-core";

const { QUAERO_URL, QUAERO_CHROMIUM = "/usr/bin/chromium" } = process.env;
const SECONDS = Number(process.env.QUAERO_SECONDS ?? 10);
const RATE = Number(process.env.QUAERO_RATE ?? 20_000);

/** Runs in the page: feed a list as the stream does, and count frames and long tasks meanwhile. */
async function feed([kind, rate, seconds]) {
  const TICK_MS = 150; // the stream's interval
  const { LogWindow } = await import("/static/js/lib/log-window.js");
  const { LogView } = await import("/static/js/log-view.js");
  document.body.replaceChildren();
  const place = document.createElement("div");
  place.style.height = "600px";
  document.body.append(place);
  const take = kind === "ours" ? ours(place) : await naive(place);

  function ours(element) {
    const window_ = new LogWindow();
    const source = {
      following: true, paused: false, hasNewer: false, displayedCount: 0,
      get logs() { return window_.entries; },
      get base() { return window_.base; },
      get hasOlder() { return window_.hasOlder; },
      indexOf: (id) => window_.indexOf(id),
      jumpToLatest() {},
    };
    const view = new LogView(element, source);
    return (entries) => {
      window_.append(entries);
      source.displayedCount += entries.length;
      view.update(entries.length);
    };
  }

  /** What one writes first: all rows of the newest 1,000 entries, by x-for over what is reactive. */
  async function naive(element) {
    const { default: Alpine } = await import("/static/vendor/alpine.js");
    const state = Alpine.reactive({ logs: [] });
    Alpine.data("naiveList", () => ({ state }));
    const list = document.createElement("div");
    list.setAttribute("x-data", "naiveList");
    element.style.overflow = "auto";
    const template = document.createElement("template");
    template.setAttribute("x-for", "entry in state.logs");
    template.setAttribute("x-bind:key", "entry.id");
    const row = document.createElement("div");
    for (const name of ["line_number", "timestamp", "level", "step_name", "message"]) {
      const span = document.createElement("span");
      span.setAttribute("x-text", `entry.${name}`);
      row.append(span, " ");
    }
    template.content.append(row);
    list.append(template);
    element.append(list); // the page's Alpine sees it, and begins
    return (entries) => {
      state.logs = [...state.logs, ...entries].slice(-1000);
      element.scrollTop = element.scrollHeight;
    };
  }

  let id = 0;
  const entry = () => ({
    id: (id += 1), timestamp: new Date().toISOString(), level: id % 20 === 0 ? "error" : id % 7 === 0 ? "warn" : "info",
    message: `Item ${id} was fetched and its links were looked at`, step_name: "fetch", worker: `fetch-${id % 40}`,
    originator: "worker", source: "crawler", line_number: id, job_line: id, fields: { status: 200 },
  });
  const tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ entryTypes: ["longtask"] });
  const heap = () => performance.memory.usedJSHeapSize / 1e6;
  const began = performance.now();
  let [frames, fed, middle] = [0, 0, 0];
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1000) * rate);
      take(Array.from({ length: Math.min(due - fed, rate) }, entry));
      fed = due;
    }, TICK_MS);
    const frame = () => {
      frames += 1;
      const passed = performance.now() - began;
      if (!middle && passed > seconds * 500) middle = heap();
      if (passed < seconds * 1000) return requestAnimationFrame(frame);
      clearInterval(timer);
      return resolve();
    };
    requestAnimationFrame(frame);
  });
  const passed = (performance.now() - began) / 1000;
  return {
    frames: frames / passed, longest: Math.max(0, ...tasks), over50: tasks.length, heap: heap(), growth: heap() - middle,
    nodes: document.querySelectorAll("*").length, fed: id,
  };
}

const flags = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info", "--js-flags=--expose-gc"];
const browser = await chromium.launch({ executablePath: QUAERO_CHROMIUM, args: flags });
const found = {};
for (const kind of ["ours", "naive"]) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${QUAERO_URL}/`);
  found[kind] = await page.evaluate(feed, [kind, RATE, SECONDS]);
  await page.close();
}
await browser.close();
process.stdout.write(`${JSON.stringify(found)}\n`);
