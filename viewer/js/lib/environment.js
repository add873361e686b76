/**
 * What the library takes from its surroundings, in one object: tests bring their own.
 *
 * Nothing else in `lib/` touches a browser global, so that all of it runs under `node --test`.
 */

/** Where the page keeps the token: of this tab only, gone when it is closed. */
export const TOKEN_KEY = "quaero.token";

/** The browser's own things; `createParser` comes from the npm package, by the module that is served beside it. */
export function browserEnvironment(createParser) {
  return {
    createParser,
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
}

/**
 * Tell when the page comes back to life and when it goes. `pagehide` and not `beforeunload`: the latter fires on
 * download links and keeps the page out of the back-forward cache.
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
    [page, "visibilitychange", () => page.visibilityState === "visible" && wake()],
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
  };
}
