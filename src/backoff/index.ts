export { Backoff } from './backoff.ts';
export { type BackoffOptions, DEFAULT_BACKOFF, exponentialBackoff, withJitter } from './exponential.ts';
export { type RetryOptions, retry } from './retry.ts';
export { boundedWait, parseRetryAfter } from './retry-after.ts';
