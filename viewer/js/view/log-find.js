/**
 * Searching the whole log of a job, where the server keeps it: how often a text occurs, the next place, the one
 * before, all of them highlighted. "Only hits" makes the search a filter of the stream instead.
 */

import { callApi } from "./server.js";
import { Hits } from "../lib/hits.js";
import { pageQuery } from "../lib/query.js";

/** While a job runs, its hits are asked for anew after so long. */
const RENEW_MS = 3000;

/** A part of a job viewer's data; `parts` has the stream and the view. */
export function logFind(parts, jobId) {
  return {
    search: "",
    searchWords: "",
    onlyHits: false,

    /** Look for the text that `search` holds, and go to the last hit before the reader, or the first. */
    async find(direction = 1) {
      const text = this.search.trim();
      if (!text) {
        this.clearSearch();
        return;
      }
      if (parts.found?.text !== text) {
        if (!(await this.look(text))) return;
      }
      if (!this.onlyHits) await this.goToHit(direction);
    },

    /** Ask the server; returns whether its answer is still wanted. */
    async look(text) {
      const query = pageQuery({ ...parts.stream.filters, scope: undefined, job_id: undefined }, { q: text });
      parts.view.search = text;
      parts.view.update();
      this.searchWords = "Searching…";
      parts.found = { text, hits: new Hits(), asked: Date.now() };
      const { found } = parts;
      try {
        const answer = await callApi(`jobs/${encodeURIComponent(jobId)}/hits?${query}`);
        if (found !== parts.found) return false;
        found.hits.renew(answer);
      } catch (error) {
        if (found === parts.found) this.searchWords = error.message;
        return false;
      }
      this.searchWords = found.hits.words;
      if (this.onlyHits) this.filter({ q: text });
      return true;
    },

    async goToHit(direction) {
      const { hits } = parts.found;
      const from = parts.view.activeId ?? parts.stream.logs[parts.view.visibleRange[0]]?.id ?? null;
      const id = hits.move(direction, from);
      this.searchWords = hits.words;
      if (id !== null) await this.goToId(id);
    },

    /** While the job runs there are more hits every now and then. */
    async renewHits() {
      const { found } = parts;
      if (!found || this.onlyHits || Date.now() - found.asked < RENEW_MS) return;
      found.asked = Date.now();
      const query = pageQuery({ ...parts.stream.filters, scope: undefined, job_id: undefined }, { q: found.text });
      try {
        found.hits.renew(await callApi(`jobs/${encodeURIComponent(jobId)}/hits?${query}`));
        if (found === parts.found) this.searchWords = found.hits.words;
      } catch {
        // The hits stay as they are; the stream says what is wrong with the connection.
      }
    },

    toggleOnlyHits() {
      this.onlyHits = !this.onlyHits;
      this.filter({ q: this.onlyHits ? this.search.trim() : "" });
    },

    clearSearch() {
      this.search = "";
      this.searchWords = "";
      parts.found = null;
      parts.view.search = "";
      parts.view.update();
      if (this.onlyHits) this.toggleOnlyHits();
    },
  };
}
