/** The address after `#`, read and made. Pure. The token is in it once, and never again. */

/** `{view: "jobs" | "job" | "service", jobId, token}` of a fragment; what is not known is the list of jobs. */
export function parseFragment(fragment) {
  const text = fragment.replace(/^#/, "");
  const given = /^t=([^&]+)$/.exec(text);
  if (given) return { view: "jobs", jobId: null, token: decoded(given[1]) };
  const job = /^\/job\/([^/]+)$/.exec(text);
  if (job) return { view: "job", jobId: decoded(job[1]), token: null };
  return { view: text === "/service" ? "service" : "jobs", jobId: null, token: null };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign
  }
}
