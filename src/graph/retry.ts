import { type BackoffOptions, exponentialBackoff, withJitter } from '../backoff/index.ts';
import { INVALID_RETRY_MS, isBackoff, messageOf, PequodError, type Retry, WaitingError } from '../errors.ts';

const NODE_BACKOFF: BackoffOptions = { baseMs: 1_000, factor: 2, maxMs: 5 * 60_000, jitter: 0.25 };
/** Most that is added to a delay that may not be cut short. */
const DELAY_JITTER = 0.1;

/** Why a node could not be applied. */
export interface NodeFailure {
  readonly message: string;
  readonly reason: string;
  readonly retry: Retry;
  /** Something expected is not there yet: the node stays Pending instead of going to Error. */
  readonly isWaiting?: boolean;
}

/** The failure that a thrown value stands for; what is not an error of ours counts as a fault that may pass. */
export function failureOf(error: unknown): NodeFailure {
  const message = messageOf(error);
  if (!(error instanceof PequodError)) return { message, reason: 'InternalError', retry: 'backoff' };
  return { message, reason: error.reason, retry: error.retry, isWaiting: error instanceof WaitingError };
}

/**
 * When a node that failed may be tried again, in ms: after 1 s, doubled with every failure up to 5 minutes or what the
 * error says, or when the error says. An error that only a change can mend is tried again slowly all the same, for a change may have been missed.
 * @param attempts failures in a row, this one included.
 */
export function retryAt(retry: Retry, attempts: number, nowMs: number, random: () => number): number {
  if (isBackoff(retry)) {
    const maxMs = retry === 'backoff' ? NODE_BACKOFF.maxMs : retry.backoffToMs;
    return Math.round(nowMs + exponentialBackoff({ ...NODE_BACKOFF, maxMs }, attempts, random));
  }
  const delayMs = retry === 'never' ? INVALID_RETRY_MS : retry.afterMs;
  return Math.round(nowMs + withJitter(delayMs, DELAY_JITTER, random));
}
