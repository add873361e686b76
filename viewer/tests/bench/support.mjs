/** What several parts of the benchmark need. */

import { TOKEN_KEY } from "../../js/lib/environment.js";

const VIEWPORT = { width: 1280, height: 800 };

/** A page of a browser that has never seen the server, with the token where a reader's tab has it. */
export async function freshPage(browser, { QUAERO_TOKEN }) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  await context.addInitScript(([key, token]) => {
    try {
      sessionStorage.setItem(key, token);
    } catch {
      // about:blank has none
    }
    // Called when the next frame has been painted, as far as a page can tell: a task behind it.
    globalThis.painted = () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => resolve(performance.now());
          port2.postMessage(null);
        });
      });
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      globalThis.longTasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ entryTypes: ["longtask"] });
  }, [TOKEN_KEY, QUAERO_TOKEN]);
  return context.newPage();
}

/** Begin to count a page's work; returns a function that tells its thread's processor time since, in seconds. */
export async function meter(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  const read = async () => {
    const { metrics } = await client.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "ThreadTime").value;
  };
  const before = await read();
  return async () => (await read()) - before;
}

/** The value that half of these do not exceed. */
export function median(values) {
  return percentile(values, 50);
}

/** The smallest value that so many percent of these do not exceed. */
export function percentile(values, percent) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
}
