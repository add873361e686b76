/** The server that this page came from: its API, with the token of this tab. */

import { requestJson } from "../lib/api.js";
import { browserEnvironment } from "../lib/environment.js";

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
