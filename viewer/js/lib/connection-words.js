/** The state of the connection in words, for the pill: never by colour alone. Pure. */

const WORDS = {
  idle: "Not connected",
  connecting: "Connecting…",
  live: "Live",
  stale: "Silent, catching up…",
  ended: "Complete",
};

/** @returns {{word: string, detail: string, className: string}} `now` in milliseconds since 1970 */
export function connectionWords({ state, retryAt, error, paused }, now) {
  const className = `pill-${state}`;
  if (state === "live" && paused) return { word: "Paused", detail: "New entries wait", className: "pill-paused" };
  if (state === "retrying") return { word: retryWords(retryAt, now), detail: error?.message ?? "", className };
  if (state === "failed") return { word: "Failed", detail: failureWords(error), className };
  return { word: WORDS[state], detail: "", className };
}

function retryWords(retryAt, now) {
  const seconds = Math.ceil(((retryAt ?? now) - now) / 1000);
  return seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting…";
}

function failureWords(error) {
  if (!error) return "";
  return error.hint ? `${error.message} (${error.hint})` : error.message;
}
