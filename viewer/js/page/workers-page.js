/** The machines and queues of a cluster, as this view heard of them. */

import { polled } from "./polling.js";
import { plural } from "../lib/format.js";
import { engineWords, machineView, queueView } from "../lib/worker-views.js";
import { callApi } from "../view/server.js";

const POLL_MS = 2000;

/** Alpine data of the page. */
export function workerList() {
  let end = null;
  return {
    machines: [],
    queues: [],
    engine: "",
    words: "",
    loaded: false,
    failure: "",

    init() {
      end = polled(() => this.load(), POLL_MS);
    },

    destroy() {
      end();
    },

    async load() {
      try {
        const { engine, workers, queues } = await callApi("workers");
        const now = Date.now();
        const lost = workers.filter(({ state }) => state === "lost").length;
        this.machines = workers.map((each) => machineView(each, now));
        this.queues = queues.map(queueView);
        this.engine = engine ? engineWords(engine) : "This server is no view of a cluster";
        const there = plural(workers.filter(({ alive }) => alive).length, "worker");
        this.words = lost > 0 ? `${there}, ${lost} lost` : there;
        this.loaded = true;
        this.failure = "";
      } catch (error) {
        if (error.status === 401) this.$dispatch("quaero-unauthorized");
        this.failure = error.message;
      }
    },
  };
}
