/** Cancelling, repeating and deleting a job: the same on every page. */

import { goTo } from "./address.js";
import { callApi } from "../view/server.js";

/** So long "Delete" waits for the second click. */
const CONFIRM_MS = 4000;

/** A part of a page's data. What goes wrong is told by `actionError`. */
export function jobActions() {
  return {
    busy: {}, // id -> the action that was asked for
    confirming: "", // the id of a job that is deleted with the next click
    actionError: "",

    async ask(id, action, request) {
      this.busy[id] = action;
      this.actionError = "";
      try {
        return await request();
      } catch (error) {
        this.actionError = error.hint ? `${error.message} – ${error.hint}` : error.message;
        return null;
      } finally {
        delete this.busy[id];
      }
    },

    async cancelJob(id) {
      await this.ask(id, "cancel", () => callApi(`jobs/${encodeURIComponent(id)}/cancel`, { method: "POST" }));
    },

    /** Run it again, as a new job, whole or only what `failed`, and go there. */
    async retryJob(id, failed = false) {
      const path = `jobs/${encodeURIComponent(id)}/retry`;
      const body = failed ? { failed } : undefined;
      const answer = await this.ask(id, "retry", () => callApi(path, { method: "POST", body }));
      if (answer?.job_id) goTo({ view: "job", id: answer.job_id });
    },

    /** Asked twice: it cannot be undone. Returns whether the job is gone. */
    async deleteJob(id) {
      if (this.confirming !== id) {
        this.confirming = id;
        setTimeout(() => {
          if (this.confirming === id) this.confirming = "";
        }, CONFIRM_MS);
        return false;
      }
      this.confirming = "";
      const path = `jobs/${encodeURIComponent(id)}`;
      const done = await this.ask(id, "delete", async () => {
        await callApi(path, { method: "DELETE" });
        return true;
      });
      return done === true;
    },
  };
}
