/** A job that runs: how long its lines take from just before their commit to the screen. */

import { freshPage, median, meter, percentile } from "./support.mjs";

/** Runs in the page: note, for every entry, when the frame that showed it, or an entry behind it, was painted. */
async function watch(lines) {
  const { stream } = document.querySelector("main.job")._x_dataStack[0].parts();
  const late = [];
  let [shown, frames, heap] = [stream.logs.at(-1)?.job_line ?? 0, 0, 0];
  globalThis.longTasks.length = 0;
  const began = performance.now();
  while (shown < lines) {
    await globalThis.painted();
    frames += 1;
    const now = Date.now();
    const newest = Number(document.querySelector(".main .log-row:last-child .log-number")?.textContent ?? 0);
    for (let at = stream.logs.length - 1; at >= 0 && stream.logs[at].job_line > shown; at -= 1) {
      if (stream.logs[at].job_line <= newest) late.push(now - Date.parse(stream.logs[at].timestamp));
    }
    shown = Math.max(shown, newest);
    heap = Math.max(heap, performance.memory.usedJSHeapSize / 1e6);
  }
  const frameRate = (1000 * frames) / (performance.now() - began);
  return { late, frames: frameRate, heap, tasks: globalThis.longTasks, nodes: document.querySelectorAll("*").length };
}

export async function measure(browser, environment) {
  const { QUAERO_URL, QUAERO_JOB, QUAERO_LINES } = environment;
  const page = await freshPage(browser, environment);
  await page.goto(`${QUAERO_URL}/#/job/${QUAERO_JOB}?level=debug`);
  await page.locator(".main .log-row").first().waitFor();
  const worked = await meter(page);
  const began = Date.now();
  const watching = page.evaluate(watch, Number(QUAERO_LINES));
  process.stdout.write("ready\n");
  const { late, tasks, ...found } = await watching;
  return {
    ...found, p50: median(late), p99: percentile(late, 99), most: percentile(late, 100), seen: late.length,
    longest: Math.max(0, ...tasks), over50: tasks.length, busy: (1000 * (await worked())) / (Date.now() - began),
  };
}
