import type { Violation } from '../../api/index.ts';
import type { PequodError } from '../../errors.ts';
import { ApiError, TransportError } from '../../kube/index.ts';

/** The step that did not succeed; also the condition that says so. */
export type FailedStep = 'Fetched' | 'Rendered' | 'Validated';

/** Why what the Transform asks for is not what runs. */
export interface Failure {
  readonly step: FailedStep;
  readonly error: PequodError;
  /** All that schema, module and policies say; none for a source. */
  readonly violations: readonly Violation[];
}

/**
 * True where only a change of spec or source can help. A module or an input that was judged wrong counts, even if it
 * is tried again now and then; a source that can't be reached does not.
 */
export function isStalling(failure: Failure): boolean {
  return failure.step !== 'Fetched' || failure.error.retry === 'never';
}

/** The API server's own trouble: says nothing about the Transform, passes by itself, and leaves its status alone. */
export function isPassing(error: unknown): boolean {
  if (error instanceof TransportError) return true;
  if (!(error instanceof ApiError)) return false;
  return error.statusCode >= 500 || error.statusCode === 429 || error.statusCode === 401;
}
