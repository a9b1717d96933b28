// One shard, as this process has it.
import type { NamespacedName } from '../../api/index.ts';
import type { KeyFilter } from '../../runtime/index.ts';
import type { LeaseHolder } from '../holder.ts';
import { shardOf } from './hash.ts';

/**
 * - `idle`: another's, or nobody's. - `taking`: free, as far as was seen. - `held`: its Lease is held, nothing else is known.
 * - `owned`: worked on. - `leaving`: not worked on any more, as soon as what runs has ended.
 */
export type ShardState = 'idle' | 'taking' | 'held' | 'owned' | 'leaving';

export interface Shard {
  readonly index: number;
  readonly holder: LeaseHolder;
  state: ShardState;
  /** How often its Lease has been had. What was found out about it counts for that one time. */
  times: number;
}

/** True for keys of these shards of so many. */
export function keysOf(shards: readonly Shard[], count: number): KeyFilter {
  const indexes = new Set(shards.map(({ index }) => index));
  return (key: NamespacedName) => indexes.has(shardOf(key, count));
}
