/** The page of one job: the live viewer, and around it the tabs, the step tree, and the state in the address. */

import { currentRoute, goTo } from "./address.js";
import { jobActions } from "./job-actions.js";
import { filtersOf, jobAddress, TABS, tabOf } from "./job-address.js";
import { jobFacts } from "./job-facts.js";
import { jobNotice } from "./job-notice.js";
import { sseJobLogViewer } from "../view/job-viewer.js";

const NO_WORKERS = { workers: [], moreWorkers: "" };

/** Alpine data of the page. `route` has the filters, the tab and the lines that the address names. */
export function jobPage({ id, params, lines }) {
  const base = sseJobLogViewer(id, { ...filtersOf(params), lines });
  const parts = base.parts();
  const chosen = new Map(); // step -> whether the reader wants it open
  return {
    ...base,
    ...jobActions(),
    ...jobFacts(parts, id),
    ...jobNotice(id),
    ...jobAddress(parts, id, base),
    tab: tabOf(params),
    tabs: TABS,
    originators: [
      { name: "", label: "All" }, { name: "worker", label: "Workers" }, { name: "step", label: "Steps" },
      { name: "runner", label: "Runner" },
    ],

    init() {
      base.init.call(this);
      parts.onPlace = () => this.keepAddress();
      this.takeDisplay(params);
      if (params.q) {
        this.search = params.q;
        this.onlyHits = params.hits === "1";
        if (lines || this.onlyHits) this.look(params.q);
        else this.find(1);
      }
      if (this.tab === "log") this.loadFactsLater();
      else this.loadFacts();
    },

    refresh() {
      base.refresh.call(this);
      this.steps = this.steps.map((step) => {
        const open = chosen.get(step.name) ?? step.status.name === "running";
        return { ...step, open, ...(open ? this.workersOf(step.name) : NO_WORKERS) };
      });
      this.followFacts();
      this.watchEnd(this.job);
    },

    filter(patch) {
      base.filter.call(this, patch);
      this.keepAddress();
    },

    toggleStep(step) {
      chosen.set(step.name, !step.open);
      this.refresh();
      if (!step.open) this.loadFacts();
    },

    setTab(name) {
      this.tab = name;
      this.keepAddress();
      this.showTab();
    },

    /** The tab beside the open one takes its place, and the focus. */
    moveTab(direction) {
      const at = TABS.findIndex(({ name }) => name === this.tab) + direction;
      const { name } = TABS[(at + TABS.length) % TABS.length];
      this.setTab(name);
      document.getElementById(`tab-${name}`).focus();
    },

    /** Show what a drawing, or the list of errors, points at. */
    showLine(line) {
      this.setTab("log");
      this.goToLine(line);
    },

    showWorker(worker) {
      this.setTab("log");
      this.setWorker(worker);
    },

    leaveSearch() {
      this.clearSearch();
      this.keepAddress();
      parts.view.focus();
    },

    async find(direction = 1) {
      await base.find.call(this, direction);
      this.keepAddress();
    },

    async remove() {
      if (await this.deleteJob(id)) goTo({ view: "jobs" });
    },

    /** What keys and the palette ask of this page. */
    act(action) {
      if (currentRoute().id !== id) return;
      const [name, value] = action.split(":");
      const actions = {
        pause: () => this.togglePause(), latest: () => this.jumpToLatest(), wrap: () => this.toggleWrap(),
        times: () => this.nextTimeMode(), utc: () => this.toggleUtc(), search: () => this.$refs.search.focus(),
        "next-hit": () => this.find(1), "previous-hit": () => this.find(-1),
        "next-error": () => this.goToError(1), "previous-error": () => this.goToError(-1),
        level: () => this.setLevel(value), tab: () => this.setTab(value), log: () => parts.view.focus(),
        "copy-link": () => this.copyLink(), "copy-text": () => this.copyText(), "copy-json": () => this.copyJson(),
        "copy-command": () => this.copyCommand(), download: () => this.download(value),
        notify: () => this.toggleNotify(), "all-steps": () => this.filter({ step: "" }),
        "retry-failed": () => this.job.repairable && this.retryJob(id, true),
        cancel: () => this.job.running && this.cancel(), retry: () => !this.job.running && this.retryJob(id),
        "next-step": () => this.moveStep(1), "previous-step": () => this.moveStep(-1),
      };
      actions[name]?.();
    },

    moveStep(direction) {
      const names = ["", ...this.steps.map(({ name }) => name)];
      const at = names.indexOf(this.step) + direction;
      this.filter({ step: names[(at + names.length) % names.length] });
    },
  };
}
