/**
 * One reader of one job on the shared connection: its own level and steps, its own window, its own history.
 *
 * Entries that come over the stream wait until the history is here, so that the reader is told in order, once.
 */

import { LogWindow } from "./log-window.js";
import { DEFAULT_LEVEL, levelValue } from "./levels.js";

const DEFAULT_LIMIT = 100;

export class JobSubscription {
  #window;
  #waiting = []; // null once the history is here
  #lastWord = null;
  #report;

  /**
   * @param {string} jobId
   * @param {object} options `level`, `step`, `limit` (entries to begin with, 0: none), `maxEntries`; the callbacks
   *   `onLogs(entries)`, `onStatus({job, steps})`, `onEnd(end)`, `onGap(gap)`, `onError(error)`, `onState(state)`
   * @param {(error: unknown) => void} report takes what a callback throws
   */
  constructor(jobId, options, report) {
    this.jobId = jobId;
    this.options = options;
    this.level = options.level ?? DEFAULT_LEVEL;
    this.limit = options.limit ?? DEFAULT_LIMIT;
    this.ended = false;
    this.job = null;
    this.steps = [];
    this.#window = new LogWindow(options.maxEntries);
    this.#report = report;
  }

  /** The job's entries held, oldest first. */
  get logs() {
    return this.#window.entries;
  }

  /** The filters of this reader alone, for its page of history. */
  get filters() {
    return { scope: "job", job_id: this.jobId, level: this.level, step: this.options.step };
  }

  /** Begin again: the place in the log was lost, a new history will come. */
  restart() {
    this.#window.reset();
    this.#waiting = [];
  }

  /** Take the newest entries that lie before the stream's; none when they cannot be had. */
  takeHistory(logs) {
    const waited = this.#waiting ?? [];
    this.#waiting = null;
    this.#deliver(logs.concat(waited));
    if (this.#lastWord) this.tell("onEnd", this.#lastWord);
  }

  /** Take what came over the stream; other jobs' entries and other levels are not this reader's. */
  takeLogs(logs) {
    const mine = logs.filter((entry) => this.#wants(entry));
    if (this.#waiting) this.#waiting.push(...mine);
    else this.#deliver(mine);
  }

  takeStatus(view) {
    this.job = { ...this.job, ...view.job };
    this.steps = view.steps ?? this.steps;
    this.tell("onStatus", view);
  }

  takeEnd(end) {
    if (this.ended) return;
    this.ended = true;
    if (this.#waiting) this.#lastWord = end;
    else this.tell("onEnd", end);
  }

  /** Call one of the reader's callbacks; what it throws is its own affair. */
  tell(name, ...args) {
    try {
      this.options[name]?.(...args);
    } catch (error) {
      this.#report(error);
    }
  }

  #deliver(logs) {
    const fresh = this.#window.append(logs);
    if (fresh.length > 0) this.tell("onLogs", fresh);
  }

  #wants(entry) {
    const steps = [this.options.step ?? []].flat();
    if (entry.job_id !== this.jobId || levelValue(entry.level) < levelValue(this.level)) return false;
    return steps.length === 0 || steps.includes(entry.step_name) || steps.includes(entry.step_id);
  }
}
