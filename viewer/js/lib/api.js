/** Requests to quaero's HTTP API: the token goes with each, a refusal comes back as a `StreamError`. */

import { errorOf, StreamError } from "./failure.js";

/** Headers that identify the reader; none when there is no token. */
export function authorization(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * Ask for JSON and return it.
 *
 * @param {string} url
 * @param {object} environment see environment.js
 * @param {{token?: string | null, method?: string, body?: unknown, signal?: AbortSignal}} [options]
 * @throws {StreamError} on any answer that is no success, and when there is none
 */
export async function requestJson(url, environment, { token = null, method = "GET", body, signal } = {}) {
  const headers = { Accept: "application/json", ...authorization(token) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, signal, cache: "no-store" };
  let response;
  try {
    response = await environment.fetch(url, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  } catch (error) {
    throw new StreamError(`the server cannot be reached (${error.message})`);
  }
  if (!response.ok) throw await errorOf(response, environment.clock.now());
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}
