/** Why a request or a stream failed, and whether trying again can help. Pure. */

/** Answers that stay what they are, however often one asks. Everything else may pass. */
const FINAL = new Set([400, 401, 403, 404, 405, 406, 409, 410, 413, 422]);

const WORDS = {
  401: "the server does not accept the token",
  403: "the server refuses this request",
  404: "there is no such job",
  503: "the server has no room for another stream",
};

/** A failure with what the server said about it. `status` 0: there was no answer at all. */
export class StreamError extends Error {
  constructor(message, { status = 0, hint = null, parameter = null, retryAfterMs = 0 } = {}) {
    super(message);
    this.name = "StreamError";
    this.status = status;
    this.hint = hint;
    this.parameter = parameter;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether trying again is pointless. */
  get fatal() {
    return FINAL.has(this.status);
  }
}

/** The error of an answer other than 200: the server's own words when its body has them. */
export async function errorOf(response, now) {
  const body = await readJson(response);
  const { status } = response;
  const message = typeof body?.error === "string" ? body.error : (WORDS[status] ?? `the server answers ${status}`);
  return new StreamError(message, {
    status,
    hint: body?.hint ?? null,
    parameter: body?.parameter ?? null,
    retryAfterMs: retryAfter(response.headers.get("retry-after"), now),
  });
}

/** `Retry-After` is seconds or a date; an unreadable one is none. */
export function retryAfter(header, now) {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return null; // not JSON: a proxy's page, or cut off; the status speaks for itself
  }
}

/** What became of a stream, as a value that can be sent to another thread. */
export function plainOutcome(outcome) {
  if (!(outcome instanceof StreamError)) return outcome;
  const { message, status, hint, parameter, retryAfterMs } = outcome;
  return { message, status, hint, parameter, retryAfterMs };
}

/** The same again. */
export function reviveOutcome(plain) {
  return typeof plain === "string" ? plain : new StreamError(plain.message, plain);
}
