/** Going to a place in a job's log, however far away, and pointing at lines: `#L1200-1210`. */

import { callApi } from "./server.js";
import { pageQuery } from "../lib/query.js";

/** A part of a job viewer's data; `parts` has the stream and the view. */
export function logPlace(parts, jobId) {
  const path = `jobs/${encodeURIComponent(jobId)}`;
  return {
    lines: null, // {from, to}: the lines that are pointed at
    placeError: "",

    /** Bring the entry with this id, or the last one before it that the filters let through, into sight. */
    async goToId(id) {
      parts.view.stopFollowing();
      const at = await parts.stream.jumpTo(id);
      parts.view.activate(Math.max(0, at), true);
      parts.refresh();
    },

    /** Bring a line of the job into sight, and point at it, up to the line `to`. */
    async goToLine(from, to = from) {
      this.placeError = "";
      try {
        const { id } = await callApi(`${path}/lines/${from}`);
        this.point({ from, to });
        await this.goToId(id);
      } catch (error) {
        this.placeError = `Line ${from} cannot be shown: ${error.message}`;
      }
    },

    /** A click on a line's number points at it; with Shift, at all lines from the last one. */
    pointAt(entry, extend) {
      const line = entry.job_line;
      if (line === undefined) return;
      const start = extend && this.lines ? this.lines.from : line;
      const alone = !extend && this.lines?.from === line && this.lines.to === line;
      this.point(alone ? null : { from: Math.min(start, line), to: Math.max(start, line) });
    },

    point(lines) {
      this.lines = lines;
      parts.view.pointed = lines;
      parts.view.update();
      parts.onPlace?.();
    },

    /** The next error (direction 1) or the one before (-1), anywhere in the log. */
    async goToError(direction) {
      const { view, stream } = parts;
      const from = view.activeId ?? stream.logs[view.visibleRange[direction > 0 ? 0 : 1]]?.id ?? 0;
      const place = direction > 0 ? { since: from, limit: 1 } : { before: from, limit: 1 };
      const page = await callApi(`logs?${pageQuery({ ...stream.filters, level: "error" }, place)}`);
      if (page.logs.length > 0) await this.goToId(page.logs[0].id);
      else this.notice = direction > 0 ? "No error after this line" : "No error before this line";
    },
  };
}
