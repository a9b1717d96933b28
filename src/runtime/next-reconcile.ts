// When a key is reconciled next: what a reconcile's result, or its error, asks for.
import { withJitter } from '../backoff/index.ts';
import { assertNever, isBackoff, messageOf, PequodError } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import type { Result } from './result.ts';
import type { WorkQueue } from './workqueue.ts';

const RETRY_JITTER = 0.1;

/** After a reconcile of the key that ended. To be called before the queue's `done`. */
export function scheduleResult(queue: WorkQueue, key: string, result: Result): void {
  switch (result.type) {
    case 'done':
      queue.forget(key);
      return;
    case 'requeue':
      queue.addRateLimited(key);
      return;
    case 'requeueAfter':
      queue.forget(key);
      queue.addAfter(key, result.ms, result.priority ?? queue.priorityOf(key));
      return;
    default:
      assertNever(result);
  }
}

/** After a reconcile of the key that threw. To be called before the queue's `done`. */
export function scheduleRetry(
  queue: WorkQueue,
  key: string,
  error: unknown,
  log: Logger,
  random: () => number,
): void {
  if (!(error instanceof PequodError)) {
    const retryInMs = queue.addRateLimited(key);
    log.error({ err: error, retryInMs }, 'reconcile failed unexpectedly');
    return;
  }
  const fields = { code: error.code, reason: error.reason, error: messageOf(error) };
  if (error.retry === 'never') {
    queue.forget(key);
    log.warn(fields, 'reconcile failed, waiting for a change');
  } else if (isBackoff(error.retry)) {
    const longestMs = error.retry === 'backoff' ? undefined : error.retry.backoffToMs;
    const retryInMs = queue.addRateLimited(key, longestMs);
    log.warn({ ...fields, retryInMs }, 'reconcile failed');
  } else {
    const retryInMs = withJitter(error.retry.afterMs, RETRY_JITTER, random);
    queue.forget(key);
    queue.addAfter(key, retryInMs, queue.priorityOf(key));
    log.info({ ...fields, retryInMs }, 'reconcile put off');
  }
}
