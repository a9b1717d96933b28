// Which shard a key is in. Replicas of different versions work side by side during an update and have to agree, so this
// never changes; a test holds it to recorded answers.
import { createHash } from 'node:crypto';
import type { NamespacedName } from '../../api/index.ts';

/** Bytes of the digest that count: what a number holds exactly. */
const HASH_BYTES = 6;

/** The shard of a key, from 0 to below `count`. A Transform and its graph have one name, and so one shard. */
export function shardOf({ namespace, name }: NamespacedName, count: number): number {
  if (count === 1) return 0;
  const digest = createHash('sha256').update(`${namespace}/${name}`).digest();
  return digest.readUIntBE(0, HASH_BYTES) % count;
}
