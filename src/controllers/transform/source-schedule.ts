// When a source is asked again, and how old an answer may be that another Transform got.
import type { Transform } from '../../api/index.ts';
import { isBackoff, type PequodError } from '../../errors.ts';
import {
  DEFAULT_BACKOFF,
  DurationError,
  exponentialBackoff,
  parseDuration,
  withJitter,
} from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';

type Schedule = Pick<TransformDependencies, 'now' | 'random'>;

const DEFAULT_INTERVAL_MS = 5 * 60_000;
/** A shorter interval would be a load, not a check. */
const MIN_INTERVAL_MS = 5_000;
/** The interval is stretched or shortened by up to this share. */
const INTERVAL_JITTER = 0.1;
const RETRY_JITTER = 0.1;
/**
 * Of the interval, how old an answer may be that others got. Transforms of one tag then share two requests an interval,
 * however many they are, and a moved tag is noticed after 1.6 intervals at the latest: 1.1 for the look, 0.5 for the age.
 */
const SHARED_AGE = 0.5;

/** When what is not watched is looked at again, in ms. */
export function nextLook(deps: Schedule, transform: Transform): number {
  const spread = 1 - INTERVAL_JITTER + 2 * INTERVAL_JITTER * deps.random();
  return deps.now() + Math.round(intervalMs(transform) * spread);
}

/** When what was known before a restart is looked at again: spread over the interval, as all were restarted at once. */
export function firstLook(deps: Schedule, transform: Transform): number {
  return deps.now() + Math.round(intervalMs(transform) * deps.random());
}

/** How old an answer may be that another Transform got. */
export function sharedAgeMs(transform: Transform): number {
  return Math.round(intervalMs(transform) * SHARED_AGE);
}

/** When a read that failed is tried again, in ms; undefined where only a change helps. */
export function nextTry(deps: Schedule, error: PequodError, failures: number): number | undefined {
  if (error.retry === 'never') return undefined;
  const delayMs = isBackoff(error.retry)
    ? exponentialBackoff(DEFAULT_BACKOFF, failures, deps.random)
    : withJitter(error.retry.afterMs, RETRY_JITTER, deps.random);
  return deps.now() + delayMs;
}

function intervalMs(transform: Transform): number {
  const { interval } = transform.spec;
  if (interval === undefined) return DEFAULT_INTERVAL_MS;
  try {
    return Math.max(MIN_INTERVAL_MS, parseDuration(interval));
  } catch (error) {
    if (error instanceof DurationError) return DEFAULT_INTERVAL_MS;
    throw error;
  }
}
