/** Taking a job's log elsewhere: the clipboard, a file, a link, a command. */

import { callApi, environment, saveFile } from "./server.js";
import { entriesAsJson, entriesAsText, tailCommand } from "../lib/copy-text.js";
import { buildQueryParams } from "../lib/query.js";

/** So many lines are copied at most: what the server gives as one page. */
const MOST_COPIED = 5000;

/** A part of a job viewer's data; `parts` has the stream and the view. */
export function logShare(parts, jobId) {
  const path = `jobs/${encodeURIComponent(jobId)}`;
  return {
    copied: "", // what the last copy did, for a moment

    /** The lines that are pointed at, else those that are selected, else those in sight. */
    async chosenEntries() {
      const { selected } = parts.view;
      if (this.lines) return linesOf(path, jobId, this.lines, parts.stream.filters);
      if (selected.length > 0) return selected;
      const [first, last] = parts.view.visibleRange;
      return parts.stream.logs.slice(Math.max(0, first), last + 1);
    },

    copyText() {
      return this.copy("text", async () => entriesAsText(await this.chosenEntries()));
    },

    copyJson() {
      return this.copy("JSON", async () => entriesAsJson(await this.chosenEntries()));
    },

    copyCommand() {
      return this.copy("the command", async () => {
        const entries = await this.chosenEntries();
        if (entries.length === 0) throw new Error("there is no entry to show");
        const epoch = String(parts.stream.cursor ?? "").replace(/-\d+$/, "");
        const since = epoch ? `${epoch}-${entries[0].id - 1}` : entries[0].timestamp;
        return tailCommand(jobId, since, entries.length, parts.stream.filters);
      });
    },

    copyLink() {
      return this.copy("the link", async () => location.href);
    },

    async copy(what, make) {
      try {
        await writeClipboard(await make());
        this.copied = `Copied ${what}`;
      } catch (error) {
        this.copied = `Could not copy: ${error.message}`;
      }
      environment.clock.setTimeout(() => (this.copied = ""), 3000);
    },

    /** The whole log as a file: `txt` or `ndjson`. */
    async download(kind) {
      this.copied = "Downloading…";
      try {
        await saveFile(`${path}/logs.${kind}`, `${jobId}.${kind}`);
        this.copied = "";
      } catch (error) {
        this.copied = `Could not download: ${error.message}`;
      }
    },
  };
}

async function linesOf(path, jobId, { from, to }, filters) {
  const { id } = await callApi(`${path}/lines/${from}`);
  const limit = Math.min(MOST_COPIED, to - from + 1);
  const { step, level, worker, originator, q } = filters;
  const query = { scope: "job", job_id: jobId, step, level, worker, originator, q, since: id - 1, limit };
  const { logs } = await callApi(`logs?${buildQueryParams(query)}`);
  return logs.filter(({ job_line: line }) => line <= to);
}

/** The clipboard needs a secure page; over plain HTTP from another machine the old way is the only one. */
async function writeClipboard(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refuses");
}
