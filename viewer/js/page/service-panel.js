/** The service log at the bottom right of every page: a button while it is closed, a list when it is open. */

import { formatCount } from "../lib/format.js";
import { preferences } from "../view/log-display.js";
import { sseServiceLogs } from "../view/service-viewer.js";

/** Alpine data. The list, the level and whether it is open are kept over pages and reloads. */
export function servicePanel() {
  const parts = {};
  const base = sseServiceLogs({ level: preferences.get("panelLevel") }, parts);
  const seen = { first: true, unread: 0, errors: 0 };
  return {
    ...base,
    open: preferences.get("panelOpen"),
    unread: "",
    hasErrors: false,
    news: "",

    init() {
      base.init.call(this);
      this.count();
      this.tell();
    },

    /** Count what comes while the panel is closed; what was there before is not news. */
    count() {
      const { onLogs, onReset } = parts.stream;
      parts.stream.onReset = () => {
        seen.first = true;
        onReset();
      };
      parts.stream.onLogs = (logs, meta) => {
        onLogs(logs, meta);
        const news = !seen.first && !this.open;
        seen.first = false;
        if (!news) return;
        seen.unread += logs.length;
        seen.errors += logs.filter(({ level }) => level === "error").length;
        this.tell();
      };
    },

    tell() {
      this.unread = seen.unread > 0 ? formatCount(seen.unread) : "";
      this.hasErrors = seen.errors > 0;
      this.news = this.unread ? `, ${this.unread} new${this.hasErrors ? ", with errors" : ""}` : "";
    },

    toggle() {
      this.open = !this.open;
      preferences.set("panelOpen", this.open);
      Object.assign(seen, { unread: 0, errors: 0 });
      this.tell();
      if (this.open) this.$nextTick(() => this.jumpToLatest());
    },

    chooseLevel() {
      preferences.set("panelLevel", this.level);
      this.setLevel(this.level);
    },
  };
}
