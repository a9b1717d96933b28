/** A server's wish to be left alone is met for this long at most. */
const MAX_WAIT_MS = 60 * 60_000;

/**
 * How long a `Retry-After` header, in seconds or as an HTTP date, asks to wait from now: in milliseconds, at most an hour.
 * Undefined where it is neither.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : boundedWait(waitMs);
}

/** What a server asks to wait, as it is met: no time before now, and at most an hour. */
export function boundedWait(waitMs: number): number {
  return Math.min(Math.max(waitMs, 0), MAX_WAIT_MS);
}
