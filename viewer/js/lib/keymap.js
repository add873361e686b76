/** Every key of the viewer: what it does, and where. The help shows this very table. Pure. */

/** Where there is a log to be read. */
const LOG = Object.freeze(["job", "service"]);
const JOB = Object.freeze(["job"]);

/** `keys` as KeyboardEvent.key has them; two are pressed one after the other. `views`: only there. */
export const KEYMAP = Object.freeze([
  { keys: "?", action: "help", label: "Show these keys", group: "Anywhere" },
  { keys: "Ctrl+k", action: "palette", label: "Go to anything, do anything", group: "Anywhere" },
  { keys: "g j", action: "go:jobs", label: "Jobs", group: "Anywhere" },
  { keys: "g d", action: "go:definitions", label: "Definitions", group: "Anywhere" },
  { keys: "g o", action: "go:documents", label: "Documents", group: "Anywhere" },
  { keys: "g s", action: "go:service", label: "Service log", group: "Anywhere" },
  { keys: "s", action: "start", label: "Start a job", group: "Anywhere" },
  { keys: "\x60", action: "panel", label: "Open or close the service panel", group: "Anywhere" },
  { keys: "T", action: "theme", label: "Next theme", group: "Anywhere" },
  { keys: "/", action: "search", label: "Search", group: "Log" },
  { keys: "n", action: "next-hit", label: "Next hit", group: "Log", views: JOB },
  { keys: "N", action: "previous-hit", label: "Hit before", group: "Log", views: JOB },
  { keys: "e", action: "next-error", label: "Next error", group: "Log", views: JOB },
  { keys: "E", action: "previous-error", label: "Error before", group: "Log", views: JOB },
  { keys: "p", action: "pause", label: "Pause or go on", group: "Log", views: LOG },
  { keys: "f", action: "latest", label: "Follow the newest entry", group: "Log", views: LOG },
  { keys: "w", action: "wrap", label: "Wrap long lines or not", group: "Log", views: LOG },
  { keys: "t", action: "times", label: "Other times", group: "Log", views: LOG },
  { keys: "u", action: "utc", label: "Times in UTC or here", group: "Log", views: LOG },
  { keys: "1", action: "level:debug", label: "All levels", group: "Log", views: LOG },
  { keys: "2", action: "level:info", label: "Info and above", group: "Log", views: LOG },
  { keys: "3", action: "level:warn", label: "Warnings and errors", group: "Log", views: LOG },
  { keys: "4", action: "level:error", label: "Errors only", group: "Log", views: LOG },
  { keys: "[", action: "previous-step", label: "Log of the step before", group: "Job", views: JOB },
  { keys: "]", action: "next-step", label: "Log of the next step", group: "Job", views: JOB },
  { keys: "l", action: "tab:log", label: "Log", group: "Job", views: JOB },
  { keys: "i", action: "tab:timeline", label: "Timeline", group: "Job", views: JOB },
  { keys: "r", action: "tab:errors", label: "Errors by kind", group: "Job", views: JOB },
  { keys: "d", action: "tab:details", label: "Details", group: "Job", views: JOB },
  { keys: "c", action: "copy-link", label: "Copy the link", group: "Job", views: JOB },
  { keys: "y", action: "copy-text", label: "Copy the lines as text", group: "Job", views: JOB },
  { keys: "X", action: "cancel", label: "Cancel the job", group: "Job", views: JOB },
  { keys: "R", action: "retry", label: "Run the job again", group: "Job", views: JOB },
].map(Object.freeze));

/** Keys of the list itself, when it has the focus; shown in the help. */
export const LIST_KEYS = Object.freeze([
  { keys: "j k", label: "Next entry, entry before", group: "In the list" },
  { keys: "g G", label: "First loaded entry, newest entry", group: "In the list" },
  { keys: "Enter", label: "Details of the entry", group: "In the list" },
  { keys: "m", label: "Point at the line, for a link; with Shift, a range", group: "In the list" },
]);

/** Things without a key, for the palette. */
export const MORE_ACTIONS = Object.freeze([
  { action: "copy-json", label: "Copy the lines as JSON", views: JOB },
  { action: "copy-command", label: "Copy the command that shows these lines", views: JOB },
  { action: "download:txt", label: "Download the log as text", views: JOB },
  { action: "download:ndjson", label: "Download the log as NDJSON", views: JOB },
  { action: "notify", label: "Notify me when the job ends", views: JOB },
  { action: "retry-failed", label: "Run what failed again", views: JOB },
  { action: "all-steps", label: "Show all steps", views: JOB },
]);

/** Whether an entry of these tables means something in a view. */
export function fitsView({ views }, view) {
  return !views || views.includes(view);
}

/** Finds the action of keys as they are pressed; a pair must come within a second. */
export class Keys {
  #prefix = "";
  #pressed = -Infinity;

  /** @returns {string | null} the action of this press in this view */
  press(key, view, now) {
    const pair = now - this.#pressed < 1000 ? `${this.#prefix} ${key}` : "";
    this.#prefix = key;
    this.#pressed = now;
    const fits = (entry) => fitsView(entry, view);
    const find = (wanted) => KEYMAP.find((entry) => entry.keys === wanted && fits(entry));
    const found = find(pair) ?? find(key);
    if (found) this.#prefix = "";
    return found?.action ?? null;
  }
}
