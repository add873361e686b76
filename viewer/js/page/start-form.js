/** Starting a job: the definitions, a form made from the parameters of one, and the request. */

import { bodyOf, fieldsOf } from "../lib/parameters.js";
import { callApi } from "../view/server.js";

/** Alpine data of the dialog. Markup: an element with `x-ref="dialog"`. */
export function startForm() {
  return {
    definitions: [],
    loaded: false,
    chosen: "", // the id of a definition
    fields: [],
    busy: false,
    failure: "",
    hint: "",
    wrongField: "",

    /** `wanted`: the id of a definition to begin with. */
    async open(wanted = null) {
      if (this.$refs.dialog.open) return;
      this.fail(null);
      this.$refs.dialog.showModal();
      try {
        const answer = await callApi("job-definitions");
        const list = Array.isArray(answer) ? answer : answer.definitions;
        this.definitions = list.map(definitionRow);
        this.loaded = true;
        const usable = this.definitions.filter((each) => each.usable);
        const first = usable.find(({ id }) => id === wanted) ?? (this.chosen ? null : usable[0]);
        if (first) this.choose(first.id);
      } catch (error) {
        this.fail(error);
      }
    },

    close() {
      this.$refs.dialog.close();
    },

    choose(id) {
      this.chosen = id;
      this.fields = fieldsOf(this.definitions.find((definition) => definition.id === id));
      this.fail(null);
    },

    async start() {
      if (!this.chosen || this.busy) return;
      this.fail(null);
      this.busy = true;
      try {
        const path = `job-definitions/${encodeURIComponent(this.chosen)}/execute`;
        const { job_id: id } = await callApi(path, { method: "POST", body: bodyOf(this.fields) });
        this.close();
        location.hash = `#/job/${encodeURIComponent(id)}`;
      } catch (error) {
        this.fail(error);
      } finally {
        this.busy = false;
      }
    },

    /** Show what went wrong, at its field where the server names one. */
    fail(error) {
      if (error?.status === 401) {
        this.close();
        this.$dispatch("quaero-unauthorized");
      }
      this.failure = error?.message ?? "";
      this.hint = error?.hint ?? "";
      this.wrongField = error?.parameter ?? "";
    },
  };
}

function definitionRow(definition) {
  const usable = definition.enabled !== false && !definition.error;
  const reason = definition.error ?? (usable ? "" : "switched off");
  return { ...definition, name: definition.name || definition.id, usable, reason };
}
