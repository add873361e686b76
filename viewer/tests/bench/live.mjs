/** A job that runs: how long its lines take from where they are logged to the screen. */

import { freshPage, median, percentile } from "./support.mjs";

/** Runs in the page: note, for every entry, when the frame that showed it, or an entry behind it, was painted. */
async function watch(lines) {
  const { stream } = document.querySelector("main.job")._x_dataStack[0].parts();
  const late = [];
  let [shown, frames] = [stream.logs.at(-1)?.job_line ?? 0, 0];
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
  }
  return { late, frames: (1000 * frames) / (performance.now() - began), tasks: globalThis.longTasks };
}

export async function measure(browser, environment) {
  const { QUAERO_URL, QUAERO_JOB, QUAERO_LINES } = environment;
  const page = await freshPage(browser, environment);
  await page.goto(`${QUAERO_URL}/#/job/${QUAERO_JOB}?level=debug`);
  await page.locator(".main .log-row").first().waitFor();
  const watching = page.evaluate(watch, Number(QUAERO_LINES));
  process.stdout.write("ready\n");
  const { late, frames, tasks } = await watching;
  return {
    p50: median(late), p99: percentile(late, 99), seen: late.length, frames,
    longest: Math.max(0, ...tasks), over50: tasks.length,
  };
}
