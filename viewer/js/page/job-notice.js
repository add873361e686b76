/** Telling when a watched job ends, if the reader and the browser allow it. */

import { statusOf } from "../lib/statuses.js";

const KEY = "quaero.watched"; // of this tab: ids of the jobs whose end is told

/** A part of a page's data. */
export function jobNotice(jobId) {
  const kept = { ran: false };
  return {
    notify: watched().includes(jobId) && globalThis.Notification?.permission === "granted",
    canNotify: "Notification" in globalThis,

    async toggleNotify() {
      if (this.notify) {
        this.notify = false;
      } else {
        this.notify = (await Notification.requestPermission()) === "granted";
        if (!this.notify) this.actionError = "The browser does not allow notifications from this page";
      }
      const others = watched().filter((id) => id !== jobId);
      sessionStorage.setItem(KEY, JSON.stringify(this.notify ? [...others, jobId] : others));
    },

    /** Told of every state; speaks once, when a job that was seen running has ended. */
    watchEnd({ name, status, duration, error }) {
      if (!status.final) kept.ran ||= this.known;
      if (!status.final || !kept.ran) return;
      kept.ran = false;
      if (!this.notify) return;
      const words = [statusOf(status.name).word, duration && `after ${duration}`, error].filter(Boolean).join(" ");
      const notice = new Notification(name, { body: words, tag: jobId });
      notice.addEventListener("click", () => globalThis.focus());
    },
  };
}

function watched() {
  try {
    const ids = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(ids) ? ids : [];
  } catch {
    return [];
  }
}
