import type { Priority } from './waiting-keys.ts';

/**
 * What a reconcile asks for when it did not fail.
 * - `done`: nothing until something changes.
 * - `requeue`: again after the key's backoff, without this being a failure to report.
 * - `requeueAfter`: again after `ms`; the backoff starts over. Without a priority it is that of this reconcile.
 */
export type Result =
  | { readonly type: 'done' }
  | { readonly type: 'requeue' }
  | { readonly type: 'requeueAfter'; readonly ms: number; readonly priority?: Priority };

export const DONE: Result = { type: 'done' };
export const REQUEUE: Result = { type: 'requeue' };

export function requeueAfter(ms: number, priority?: Priority): Result {
  return { type: 'requeueAfter', ms, ...(priority === undefined ? {} : { priority }) };
}
