/** The server that this page came from: its API, with the token of this tab. */

import { authorization, requestJson } from "../lib/api.js";
import { browserEnvironment } from "../lib/environment.js";
import { errorOf } from "../lib/failure.js";

const API = new URL("../../../api/", import.meta.url);

export const environment = browserEnvironment(null);

/** The address of a route below `api/`. */
export function apiUrl(path) {
  return new URL(path, API).href;
}

/** Ask the API for JSON; see `requestJson`. */
export function callApi(path, options = {}) {
  return requestJson(apiUrl(path), environment, { token: environment.token(), ...options });
}

/** A file of the API, saved by the browser: a plain link could not send the token. */
export async function saveFile(path, name) {
  const response = await fetch(apiUrl(path), { headers: authorization(environment.token()) });
  if (!response.ok) throw await errorOf(response, Date.now());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  environment.clock.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
