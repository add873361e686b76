/** The state of the connection in words, for the pill: never by colour alone. Pure. */

const WORDS = {
  idle: "Not connected",
  connecting: "Connecting…",
  live: "Live",
  stale: "Silent, catching up…",
  retrying: "Reconnecting",
  ended: "Log complete",
  failed: "Failed",
};

/**
 * @param {object} stream `state`, `retryAt`, `error`, `paused`
 * @param {number} now milliseconds since 1970
 * @returns {{word: string, wait: string, detail: string, className: string}} `wait` changes each second, `word` does
 *   not: only the word is to be read aloud
 */
export function connectionWords({ state, retryAt, error, paused }, now) {
  if (state === "live" && paused) {
    return { word: "Paused", wait: "", detail: "New entries wait", className: "pill-paused" };
  }
  const wait = state === "retrying" ? waitWords(retryAt, now) : "";
  const detail = state === "retrying" || state === "failed" ? errorWords(error) : "";
  return { word: WORDS[state], wait, detail, className: `pill-${state}` };
}

function waitWords(retryAt, now) {
  const seconds = Math.ceil(((retryAt ?? now) - now) / 1000);
  return seconds > 0 ? `in ${seconds} s` : "…";
}

function errorWords(error) {
  if (!error) return "";
  return error.hint ? `${error.message} (${error.hint})` : error.message;
}
