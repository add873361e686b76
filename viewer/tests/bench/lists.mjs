/**
 * The list of entries alone, fed in the page as the stream feeds it, beside an empty page and a naive list (Alpine's
 * `x-for` over the newest thousand entries). Frames count those that the page got.
 */

import { freshPage, meter } from "./support.mjs";

/** Runs in the page: feed a list, and count frames, long tasks and memory meanwhile. */
async function feed([kind, rate, seconds]) {
  const TICK_MS = 150; // the stream's interval
  const WARM_MS = 1000; // code is compiled, the first rows are made
  const { LogWindow } = await import("/static/js/lib/log-window.js");
  const { LogView } = await import("/static/js/log-view.js");
  document.body.replaceChildren();
  const place = document.createElement("div");
  place.style.height = "600px";
  document.body.append(place);
  const take = await { empty: () => () => {}, ours, naive }[kind](place);

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
  /** How long ago the entry after the newest one in sight was due. */
  const behind = (passed) => {
    const newest = Number(place.querySelector(".log-row:last-child .log-number")?.textContent ?? 0);
    return passed - (newest * 1000) / rate;
  };
  const heaps = [];
  globalThis.longTasks.length = 0;
  const began = performance.now();
  let [frames, fed, late] = [0, 0, 0];
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1000) * rate);
      take(Array.from({ length: due - fed }, entry));
      fed = due;
      heaps.push(performance.memory.usedJSHeapSize / 1e6);
    }, TICK_MS);
    const frame = () => {
      frames += 1;
      const passed = performance.now() - began;
      if (kind === "ours" && passed > WARM_MS) late = Math.max(late, behind(passed));
      if (passed < seconds * 1000) return requestAnimationFrame(frame);
      clearInterval(timer);
      return resolve();
    };
    requestAnimationFrame(frame);
  });
  const passed = (performance.now() - began) / 1000;
  // What lives is what is left when garbage was collected: the lowest of each half.
  const half = Math.floor(heaps.length / 2);
  const lowest = (values) => values.reduce((least, value) => Math.min(least, value), Infinity);
  const longest = globalThis.longTasks.reduce((most, task) => Math.max(most, task), 0);
  return {
    frames: frames / passed, longest, over50: globalThis.longTasks.length, late,
    heap: heaps.reduce((most, value) => Math.max(most, value), 0),
    growth: lowest(heaps.slice(half)) - lowest(heaps.slice(Math.floor(half / 4), half)),
    nodes: document.querySelectorAll("*").length, fed: id, seconds: passed,
  };
}

/** `QUAERO_LISTS` is a list of `[kind, rate, seconds]`; the findings come in its order. */
export async function measure(browser, environment) {
  const found = [];
  for (const run of JSON.parse(environment.QUAERO_LISTS)) {
    const page = await freshPage(browser, environment);
    await page.goto(`${environment.QUAERO_URL}/`);
    const worked = await meter(page);
    const one = await page.evaluate(feed, run);
    found.push({ ...one, busy: (await worked()) / one.seconds });
    await page.context().close();
  }
  return found;
}
