// Names and labels of the Leases of replicas that share the work. A shard's Lease is named by how many shards there are:
// shard 3 of 8 and shard 3 of 4 are different keys, and must not be taken for the same.
import { createHash } from 'node:crypto';

/** On a Lease: what it is for, `shard` or `member`. */
export const ROLE_LABEL = 'pequod.io/lease' as const;
/** On a Lease: how many shards there are for the replica that made it. */
export const COUNT_LABEL = 'pequod.io/shards' as const;

const ID_LENGTH = 12;

/** The Lease of one shard of several. */
export function shardLeaseName(prefix: string, count: number, shard: number): string {
  return `${prefix}-shard-${count}-${shard}`;
}

/** The Lease by which a replica says that it lives; an identity may be longer than a name. */
export function memberLeaseName(prefix: string, identity: string): string {
  const id = createHash('sha256').update(identity).digest('hex').slice(0, ID_LENGTH);
  return `${prefix}-member-${id}`;
}
