/** One stream over the connection that all tabs share, behind the same interface as `sse-fetch.js`. */

/** As `openFetchStream`. */
export function openSharedStream(request, environment, handlers) {
  return environment.hub().open(request, handlers);
}
