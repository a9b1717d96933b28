export interface BackoffOptions {
  /** Delay after the first failure. */
  readonly baseMs: number;
  readonly factor: number;
  /** Never exceeded. */
  readonly maxMs: number;
  /** 0 to 1: the share of the delay that is left to chance. 0.5 gives between half the delay and all of it. */
  readonly jitter: number;
}

/** 1 s, 2 s, 4 s … 5 min, each between half of it and all of it. */
export const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 1_000, factor: 2, maxMs: 5 * 60_000, jitter: 0.5 };

/**
 * How long to wait before the next try.
 * @param attempt failures in a row so far, from 1. Anything less counts as 1.
 * @param random a number from 0 up to, not including, 1
 * @returns whole milliseconds, at most `maxMs`
 */
export function exponentialBackoff(options: BackoffOptions, attempt: number, random: () => number): number {
  const failures = Math.max(1, attempt);
  const delayMs = Math.min(options.maxMs, options.baseMs * options.factor ** (failures - 1));
  return Math.round(delayMs * (1 - options.jitter * random()));
}

/** `ms` and up to `share` of it more, so that what was scheduled together does not come back together. */
export function withJitter(ms: number, share: number, random: () => number): number {
  return Math.round(ms * (1 + share * random()));
}
