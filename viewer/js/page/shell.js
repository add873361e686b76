/** The page around everything: which view the address asks for, and the form for the token. */

import { showJobInTab, showPageInTab } from "./chrome.js";
import { keepToken, takeToken } from "./token.js";
import { parseFragment } from "../lib/routes.js";

const TITLES = { jobs: "Jobs", service: "Service log", token: "Token needed" };

/** Alpine data of the page. `views` holds the one view that is open: by its key, another job is another view. */
export function quaeroPage() {
  return {
    view: "jobs",
    views: [],
    jobName: "",
    token: "",

    init() {
      addEventListener("hashchange", () => this.open());
      this.open();
    },

    open() {
      takeToken();
      const { view, jobId } = parseFragment(location.hash);
      this.show(view, jobId);
    },

    show(view, jobId = null) {
      this.view = view;
      this.jobName = jobId ?? "";
      this.views = [{ key: `${view}/${jobId ?? ""}`, view, jobId }];
      showPageInTab(TITLES[view] ?? jobId);
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
      this.show("token");
    },

    useToken() {
      if (!this.token.trim()) return;
      keepToken(parseFragment(new URL(this.token.trim(), location.href).hash).token ?? this.token);
      this.token = "";
      this.open();
    },
  };
}
