/** The address of this page: read, changed without a step in the history, and gone to. */

import { makeFragment, parseFragment } from "../lib/routes.js";

/** The route that the address holds now. */
export function currentRoute() {
  return parseFragment(location.hash);
}

/** Keep a view's state in the address; "back" leads to the page before, not to each filter. */
export function replaceRoute(patch) {
  const route = currentRoute();
  const next = makeFragment({ ...route, ...patch, params: { ...route.params, ...patch.params } });
  if (next !== location.hash) history.replaceState(history.state, "", next);
}

/** Go to a view. */
export function goTo(route) {
  location.hash = makeFragment(route);
}
