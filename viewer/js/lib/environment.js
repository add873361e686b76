/**
 * What the library takes from its surroundings, in one object: tests bring their own.
 *
 * Nothing else in `lib/` touches a browser global, so that all of it runs under `node --test`.
 */

import { SharedHub } from "./shared-hub.js";

/** Where the page keeps the token: of this tab only, gone when it is closed. */
export const TOKEN_KEY = "quaero.token";

let hub = null; // of this page, when it has shared streams

/** The browser's own things; `createParser` comes from the npm package, by the module that is served beside it. */
export function browserEnvironment(createParser) {
  const environment = {
    createParser,
    /** How streams are opened where nothing else is said; `<html data-streams="shared">` says it for a whole page. */
    transport: globalThis.document?.documentElement.dataset.streams ?? "fetch",
    /** The page's one hub for shared streams. */
    hub: () => (hub ??= new SharedHub(environment)),
    openWorker,
    fetch: (...args) => globalThis.fetch(...args),
    EventSource: globalThis.EventSource,
    clock: {
      now: () => Date.now(),
      setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
      clearTimeout: (timer) => globalThis.clearTimeout(timer),
    },
    random: Math.random,
    token: () => globalThis.sessionStorage?.getItem(TOKEN_KEY) ?? null,
    watchPage,
    report: (error) => globalThis.reportError?.(error),
  };
  return environment;
}

/**
 * Start the worker that all tabs share, or find it running; null where there are no shared workers.
 *
 * @param {() => void} onDead is told when it cannot be started
 */
function openWorker(onDead) {
  if (!globalThis.SharedWorker) return null;
  const url = new URL("../stream-worker.js", import.meta.url).href;
  try {
    // The content policy wants to know that this address is not made of anything that came from outside.
    const policy = globalThis.trustedTypes?.createPolicy("quaero-worker", { createScriptURL: () => url });
    const worker = new SharedWorker(policy?.createScriptURL("") ?? url, { type: "module", name: "quaero" });
    worker.onerror = onDead;
    return worker.port;
  } catch {
    return null; // the page's own policy, or its origin, does not allow it
  }
}

/**
 * Tell when the page comes back to life and when it goes. `pagehide` and not `beforeunload`: the latter fires on
 * download links and keeps the page out of the back-forward cache. A hidden page that has to have a connection of its
 * own leaves it to the others: a browser has six.
 *
 * @returns {() => void} stops telling
 */
function watchPage({ wake, sleep }) {
  const page = globalThis.document;
  if (!page) return () => {};
  const listeners = [
    [globalThis, "online", wake],
    [globalThis, "pageshow", wake],
    [globalThis, "pagehide", sleep],
    [page, "visibilitychange", () => (page.visibilityState === "visible" ? wake() : hub?.alone && sleep())],
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
  };
}
