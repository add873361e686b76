/** The time column of a row: a clock, a date, how long ago, or how long since the job began. Pure. */

import { formatTimestamp } from "./format.js";

/** Modes in the order in which a key goes through them. */
export const TIME_MODES = Object.freeze([
  Object.freeze({ name: "clock", label: "Time of day" }),
  Object.freeze({ name: "date", label: "Date and time" }),
  Object.freeze({ name: "since", label: "Since the start" }),
  Object.freeze({ name: "ago", label: "How long ago" }),
]);

const SECOND = 1000;

/**
 * @param {string} iso
 * @param {{time?: string, utc?: boolean, start?: number | null}} display `start`: when the job began, ms since 1970
 * @param {number} now milliseconds since 1970
 */
export function timeText(iso, { time = "clock", utc = false, start = null }, now) {
  if (time === "since" && start !== null) return `+${spanText(Date.parse(iso) - start)}`;
  if (time === "ago") return `−${spanText(now - Date.parse(iso))}`;
  return formatTimestamp(iso, { date: time === "date", utc });
}

/** `1:02:03.456`, `2:03.456`: hours only where there are some. */
function spanText(ms) {
  if (!Number.isFinite(ms)) return "?";
  const whole = Math.max(0, Math.floor(ms));
  const seconds = Math.floor(whole / SECOND);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${two(seconds % 60)}.${String(whole % SECOND).padStart(3, "0")}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}
