/**
 * What a stream knows besides its entries: counts, jobs, steps. Pure: events in, plain values out.
 *
 * Jobs and steps are merged by id, so that a partial status wipes nothing, and a count of 0 is a count.
 */

import { DEFAULT_LEVEL, laterCounts, sumCounts } from "./levels.js";

export class StreamState {
  #read; // entries of the view that are here, or lie before the first one of it

  constructor() {
    this.reset();
  }

  reset() {
    this.counts = null;
    this.totalCount = null;
    this.displayedCount = null;
    this.jobs = new Map();
    this.service = null;
    this.#read = null;
  }

  /** How many entries that the filters let through are stored and not here yet; 0 where that cannot be told. */
  get behind() {
    return this.#read === null || this.displayedCount === null ? 0 : Math.max(0, this.displayedCount - this.#read);
  }

  /** A view's first batch ends with the newest entry; after it each batch brings `fresh` more. */
  countRead(fresh, first) {
    if (first || this.#read === null || this.displayedCount === null) this.#read = this.displayedCount;
    else this.#read = Math.min(this.displayedCount, this.#read + fresh);
  }

  /** Entries were left out: how many of them the filters let through, nobody said. */
  forgetRead() {
    this.#read = null;
  }

  /** Take the exact numbers of a batch; with a text filter they are null, and stay so. */
  takeMeta(meta) {
    this.counts = meta.counts ?? null;
    this.totalCount = meta.total_count ?? null;
    this.displayedCount = meta.displayed_count ?? null;
  }

  /**
   * Take a status. Its counts may be newer than those of the last batch, which a level filter holds back; without
   * `filters` (the batch that belongs to them is not here yet) they are left alone.
   */
  takeStatus({ job, steps, service }, filters) {
    if (service) this.service = { ...this.service, ...service };
    if (!job) return;
    const known = this.jobs.get(job.id) ?? { job: {}, steps: new Map() };
    const merged = new Map(known.steps);
    for (const step of steps ?? []) merged.set(step.id, { ...merged.get(step.id), ...step });
    this.jobs.set(job.id, { job: { ...known.job, ...job }, steps: merged });
    if (filters && this.counts && this.jobs.size === 1) this.#raise(countsOf(merged.values(), filters.step), filters);
  }

  /** Take the last word on a job: its status, and its counts when the stream is about it alone. */
  takeEnd({ job_id: id, status, counts }, filters) {
    const known = this.jobs.get(id);
    if (known) this.jobs.set(id, { ...known, job: { ...known.job, status } });
    const alone = [filters.job_id].flat().length === 1 && !filters.step?.length && !filters.q;
    if (alone && counts) this.#raise(counts, filters);
  }

  /** The job, or the service, that this stream is about; with several jobs the first. */
  get status() {
    return this.service ?? this.jobs.values().next().value?.job ?? null;
  }

  get steps() {
    return [...this.jobs.values()].flatMap(({ steps }) => [...steps.values()]);
  }

  #raise(counts, filters) {
    this.counts = laterCounts(this.counts ?? {}, counts);
    this.totalCount = sumCounts(this.counts);
    this.displayedCount = sumCounts(this.counts, filters.level ?? DEFAULT_LEVEL);
  }
}

function countsOf(steps, wanted) {
  const names = [wanted ?? []].flat();
  let counts = {};
  for (const step of steps) {
    if (names.length > 0 && !names.includes(step.name) && !names.includes(step.id)) continue;
    counts = addCounts(counts, step.counts ?? {});
  }
  return counts;
}

function addCounts(one, other) {
  const sum = { ...one };
  for (const [level, count] of Object.entries(other)) sum[level] = (sum[level] ?? 0) + count;
  return sum;
}
