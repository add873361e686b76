/** The tab's title and icon: what the job does, without looking at the page. */

import { statusOf } from "../lib/statuses.js";

const ICONS = {
  running: "running",
  completed: "done",
  warning: "warning",
  failed: "failed",
  interrupted: "failed",
  cancelled: "cancelled",
};
const HOME = new URL("../../favicon.svg", import.meta.url).href;

/** Show a job: `● 45 % News Crawler`. */
export function showJobInTab({ name, status, progress }) {
  const { glyph, final } = statusOf(status);
  const percent = status === "running" && !final ? ` ${progress} %` : "";
  setTitle(`${glyph}${percent} ${name} – quaero`);
  setIcon(ICONS[status] ? new URL(`../../img/tab-${ICONS[status]}.svg`, import.meta.url).href : HOME);
}

/** Show a page that is not about one job. */
export function showPageInTab(title) {
  setTitle(title ? `${title} – quaero` : "quaero");
  setIcon(HOME);
}

function setTitle(title) {
  if (document.title !== title) document.title = title;
}

function setIcon(href) {
  const link = document.querySelector("link[rel=icon]");
  if (link.href !== href) link.href = href;
}
