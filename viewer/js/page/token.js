/**
 * The token, from the address to this tab's memory: it must not stay where it is seen, copied or bookmarked. Done as
 * this module is loaded, before anything of the page is started.
 */

import { TOKEN_KEY } from "../lib/environment.js";
import { parseFragment } from "../lib/routes.js";

/** Take the token out of the address; returns whether there was one. */
export function takeToken() {
  const { token } = parseFragment(location.hash);
  if (!token) return false;
  keepToken(token);
  history.replaceState(history.state, "", `${location.pathname}${location.search}#/`);
  return true;
}

/** Remember a token for this tab. */
export function keepToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token.trim());
}

takeToken();
