/** The page around everything: which view the address asks for, the theme, the form for the token. */

import { currentRoute } from "./address.js";
import { showJobInTab, showPageInTab } from "./chrome.js";
import { keepToken, takeToken } from "./token.js";
import { parseFragment } from "../lib/routes.js";
import { preferences } from "../view/log-display.js";
import { callApi } from "../view/server.js";

const TITLES = {
  jobs: "Jobs",
  definitions: "Definitions",
  documents: "Documents",
  workers: "Workers",
  service: "Service log",
  token: "Token needed",
};
const THEMES = ["auto", "dark", "light"];
const THEME_WORDS = { auto: "Theme: as the system's", dark: "Theme: dark", light: "Theme: light" };

/** Alpine data of the page. `views` holds the one view that is open: by its key, another job is another view. */
export function quaeroPage() {
  const parts = {};
  return {
    view: "jobs",
    views: [],
    shown: false,
    jobName: "",
    cluster: false,
    token: "",
    theme: preferences.get("theme"),
    themeWords: "",

    init() {
      this.showTheme();
      addEventListener("hashchange", () => this.open());
      this.open();
    },

    open() {
      takeToken();
      this.show(currentRoute());
      this.lookForCluster();
    },

    /** Only a view of a cluster has workers to show; what it is it stays. */
    async lookForCluster() {
      if (parts.asked) return;
      const { engine } = await callApi("workers").catch(() => ({}));
      parts.asked = engine !== undefined;
      this.cluster = Boolean(engine);
    },

    /** Open a view; if it is open already it is only told of its new state. */
    show(route) {
      const key = keyOf(route);
      if (this.views[0]?.key === key) {
        dispatchEvent(new CustomEvent("quaero-route", { detail: route }));
        return;
      }
      this.view = route.view;
      this.jobName = route.id ?? "";
      this.views = [{ ...route, key }];
      showPageInTab(TITLES[route.view] ?? route.id);
      // Whoever came by a link in the page before goes on in the new one; the first page takes nothing.
      if (document.activeElement === document.body && this.shown) this.$refs.main.focus({ preventScroll: true });
      this.shown = true;
    },

    /** A view tells what its job is and does. */
    onJob({ detail }) {
      if (this.view !== "job") return;
      this.jobName = detail.name;
      showJobInTab(detail);
    },

    /** The server wants a token, or another one. */
    askForToken() {
      if (this.view === "token") return;
      this.show({ view: "token", id: null, params: {}, lines: null });
    },

    useToken() {
      if (!this.token.trim()) return;
      keepToken(parseFragment(new URL(this.token.trim(), location.href).hash).token ?? this.token);
      this.token = "";
      this.open();
    },

    nextTheme() {
      this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
      preferences.set("theme", this.theme);
      this.showTheme();
    },

    showTheme() {
      document.documentElement.dataset.theme = this.theme;
      this.themeWords = THEME_WORDS[this.theme];
    },

    /** What a key or the palette asks of the page as a whole. */
    act(action) {
      if (action === "theme") this.nextTheme();
      if (action === "search" && this.view !== "job") document.querySelector(".main input[type=search]")?.focus();
      if (action === "start") dispatchEvent(new CustomEvent("quaero-start", { detail: null }));
    },
  };
}

/** A job's page takes another state as it is; the others are made anew, which is quick. */
function keyOf({ view, id, params }) {
  const state = view === "job" ? "" : JSON.stringify(params);
  return `${view}/${id ?? ""}/${state}`;
}
