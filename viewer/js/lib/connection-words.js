/** The state of the connection in words, for the pill: never by colour alone. Pure. */

import { formatCount } from "./format.js";

const WORDS = {
  idle: "Not connected",
  connecting: "Connecting…",
  live: "Live",
  stale: "Silent, catching up…",
  retrying: "Reconnecting",
  ended: "Log complete",
  failed: "Failed",
};

/** An answer that will not change: the server, or what stands before it, does not want this reader. */
const REFUSED = new Set([401, 403]);

/**
 * @param {object} stream `state`, `retryAt`, `error`, `paused`
 * @param {number} now milliseconds since 1970
 * @param {number} [behind] entries that are stored and not here yet
 * @returns {{word: string, wait: string, detail: string, className: string}} `wait` changes each second, `word` does
 *   not: only the word is to be read aloud
 */
export function connectionWords({ state, retryAt, error, paused }, now, behind = 0) {
  if (state === "live" && paused) {
    return { word: "Paused", wait: "", detail: "New entries wait", className: "pill-paused" };
  }
  if (state === "live" && behind > 0) {
    return { word: "Catching up", wait: `${formatCount(behind)} behind`, detail: "", className: "pill-stale" };
  }
  const wait = state === "retrying" ? waitWords(retryAt, now) : "";
  const detail = state === "retrying" || state === "failed" ? errorWords(error) : "";
  const word = state === "failed" && REFUSED.has(error?.status) ? "Refused" : WORDS[state];
  return { word, wait, detail, className: `pill-${state}` };
}

function waitWords(retryAt, now) {
  const seconds = Math.ceil(((retryAt ?? now) - now) / 1000);
  return seconds > 0 ? `in ${seconds} s` : "…";
}

function errorWords(error) {
  if (!error) return "";
  return error.hint ? `${error.message} (${error.hint})` : error.message;
}
