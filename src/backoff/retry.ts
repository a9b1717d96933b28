// Tries within one call, for faults that are gone a moment later: a connection that was reset, a server that restarts.
// Who calls says what is worth another try, and answers for it that the work may be done twice. Everything ends with the
// signal, which carries the deadline; what lasts longer is tried again by who called, with a backoff of its own.
import { setTimeout as delay } from 'node:timers/promises';
import { type BackoffOptions, exponentialBackoff } from './exponential.ts';

export interface RetryOptions {
  /** The first one included. */
  readonly maxTries: number;
  readonly backoff: BackoffOptions;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /**
   * How long to wait at least after this failure, in milliseconds; the backoff is added. Undefined where another try
   * would not help, or must not be made.
   */
  readonly waitAfter: (error: unknown) => number | undefined;
}

/**
 * Does the work until it succeeds, fails for good, or was tried often enough.
 * @throws the last failure of `work`, also where the signal ends the wait for another try
 */
export async function retry<T>(
  work: () => Promise<T>,
  options: RetryOptions,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const waitMs = options.waitAfter(error);
      if (waitMs === undefined || tries >= options.maxTries || signal.aborted) throw error;
      const backoffMs = exponentialBackoff(options.backoff, tries, options.random);
      if (!(await pause(waitMs + backoffMs, signal))) throw error;
    }
  }
}

/** @returns whether the time passed before the signal was aborted */
async function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(delayMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
