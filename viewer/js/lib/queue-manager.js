/**
 * Many jobs over one connection: a browser opens six to a server, and a seventh would hang the page.
 *
 * A cursor is a place in the whole store, so a job joins by opening the stream anew with the longer list and the same
 * cursor; what it had logged before comes as a page. Joining and leaving in one go opens the stream once.
 */

import { authorization, requestJson } from "./api.js";
import { Connection } from "./connection.js";
import { JobSubscription } from "./job-subscription.js";
import { LEVELS, levelValue } from "./levels.js";
import { buildQueryParams, pageQuery } from "./query.js";

export class QueueManager {
  #environment;
  #endpoint;
  #token;
  #connection;
  #subscriptions = new Set();
  #asked = "";
  #placed = false;
  #timer = null;

  /**
   * @param {string} endpoint address of the stream
   * @param {object} environment see environment.js
   * @param {{token?: string | (() => string | null)}} [options]
   */
  constructor(endpoint, environment, { token = environment.token } = {}) {
    this.#endpoint = String(endpoint);
    this.#environment = environment;
    this.#token = () => (typeof token === "function" ? token() : token);
    this.#connection = new Connection(this.#owner(), environment);
  }

  /** The connection's state: `idle connecting live stale retrying ended failed`. */
  get state() {
    return this.#connection.state;
  }

  /** The jobs that are followed. */
  get jobIds() {
    return [...new Set([...this.#subscriptions].map(({ jobId }) => jobId))];
  }

  /**
   * Follow a job; for the options see `JobSubscription`. A job may be followed by several readers; it leaves the
   * connection with the last of them.
   *
   * @returns {{jobId: string, logs: object[], job: object | null, steps: object[], disconnect: () => void}}
   */
  connectJob(jobId, options = {}) {
    const subscription = new JobSubscription(jobId, options, this.#environment.report);
    subscription.disconnect = () => this.#leave([subscription]);
    this.#subscriptions.add(subscription);
    if (this.#placed) this.#fetchHistory(subscription);
    this.#adjustSoon();
    return subscription;
  }

  /** Stop following a job, for all its readers. */
  disconnectJob(jobId) {
    this.#leave([...this.#subscriptions].filter((subscription) => subscription.jobId === jobId));
  }

  /** Stop following everything, and close the connection. */
  disconnectAll() {
    this.#leave([...this.#subscriptions]);
  }

  #leave(subscriptions) {
    for (const subscription of subscriptions) this.#subscriptions.delete(subscription);
    if (this.#active().length > 0) this.#adjustSoon();
    else this.#close();
  }

  #close() {
    this.#environment.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#asked = "";
    this.#placed = false;
    this.#connection.close();
    this.#connection.cursor = null;
  }

  #active() {
    return [...this.#subscriptions].filter(({ ended }) => !ended);
  }

  #adjustSoon() {
    this.#timer ??= this.#environment.clock.setTimeout(() => {
      this.#timer = null;
      this.#adjust();
    }, 0);
  }

  /** Open the stream anew if it does not carry what is wanted; more than that (a job that ended) does no harm. */
  #adjust() {
    const query = this.#query();
    if (query === this.#asked && this.#connection.active) return;
    this.#asked = query;
    if (!this.#connection.active) this.#restart();
    this.#connection.reopen();
  }

  /** A place that is no longer kept up may lie behind the end of every job: begin at the newest entry instead. */
  #restart() {
    if (this.#placed) this.#active().forEach((subscription) => subscription.restart());
    this.#placed = false;
    this.#connection.cursor = null;
  }

  #query(position = {}) {
    const active = this.#active();
    const jobs = [...new Set(active.map(({ jobId }) => jobId))].sort();
    const lowest = Math.min(...active.map(({ level }) => levelValue(level)));
    const { name } = LEVELS.find(({ value }) => value === lowest) ?? LEVELS[0];
    return buildQueryParams({ scope: "job", job_id: jobs, level: name, ...position });
  }

  #owner() {
    return {
      // The first batch only shows where the stream begins: each reader gets what lies before as a page of its own.
      request: (cursor) => ({
        url: `${this.#endpoint}?${this.#query(cursor ? { since: cursor } : { limit: 1 })}`,
        headers: authorization(this.#token()),
      }),
      onEvent: (name, data) => this.#onEvent(name, data),
      catchUp: () => Promise.resolve(), // the stream, opened behind the cursor, brings what is missing
      onState: (state) => this.#onState(state),
      onFailure: (error) => this.#each((subscription) => subscription.tell("onError", error)),
    };
  }

  #onEvent(name, data) {
    switch (name) {
      case "logs":
        this.#onLogs(data.logs);
        break;
      case "status":
        this.#each((subscription) => subscription.takeStatus(data), data.job?.id);
        break;
      case "gap":
        this.#each((subscription) => subscription.tell("onGap", data), data.job_id);
        break;
      case "reset":
        this.#restart();
        break;
      case "end":
        this.#each((subscription) => subscription.takeEnd(data), data.job_id);
        return this.#active().length === 0;
    }
    return false;
  }

  #onLogs(logs) {
    if (this.#placed) {
      this.#each((subscription) => subscription.takeLogs(logs));
      return;
    }
    this.#placed = true;
    this.#active().forEach((subscription) => this.#fetchHistory(subscription));
  }

  async #fetchHistory(subscription) {
    if (subscription.limit === 0) {
      subscription.takeHistory([]);
      return;
    }
    const url = this.#endpoint.replace(/\/stream$/, "");
    const query = pageQuery(subscription.filters, { limit: subscription.limit });
    try {
      const page = await requestJson(`${url}?${query}`, this.#environment, { token: this.#token() });
      subscription.takeHistory(page.logs);
    } catch (error) {
      subscription.takeHistory([]);
      subscription.tell("onError", error);
    }
  }

  #onState(state) {
    // Ended without a word about some job: its end lies before the cursor. Asked from its beginning it will be told.
    const untold = state === "ended" && this.#connection.cursor !== null && this.#active().length > 0;
    if (untold) this.#adjustSoon();
    this.#each((subscription) => subscription.tell("onState", state));
  }

  #each(run, jobId = null) {
    for (const subscription of [...this.#subscriptions]) {
      if (jobId === null || subscription.jobId === jobId) run(subscription);
    }
  }
}
