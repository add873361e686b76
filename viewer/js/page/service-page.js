/** The page of the service's own log: the viewer, its level in the address, and its keys. */

import { currentRoute, replaceRoute } from "./address.js";
import { DEFAULT_LEVEL } from "../lib/levels.js";
import { sseServiceLogs } from "../view/service-viewer.js";

/** Alpine data of the page. */
export function servicePage({ params }) {
  const parts = {};
  const base = sseServiceLogs({ level: params.level }, parts);
  return {
    ...base,

    filter(patch) {
      base.filter.call(this, patch);
      replaceRoute({ params: { level: this.level === DEFAULT_LEVEL ? "" : this.level } });
    },

    /** What keys and the palette ask of this page. */
    act(action) {
      if (currentRoute().view !== "service") return;
      const [name, value] = action.split(":");
      const actions = {
        pause: () => this.togglePause(), latest: () => this.jumpToLatest(), wrap: () => this.toggleWrap(),
        times: () => this.nextTimeMode(), utc: () => this.toggleUtc(), level: () => this.setLevel(value),
      };
      actions[name]?.();
    },
  };
}
