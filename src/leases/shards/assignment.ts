// Which shards a replica should have, from what it sees. Pure: every replica computes it for itself, and nobody is asked.
// Nothing here is needed for safety: that no shard has two owners is what its Lease is for. What the replicas agree on
// here is only how many each should have and who takes which, so that they come to rest:
// - the numbers of two replicas differ by one at most;
// - who has the larger number already keeps it, so that nothing moves that need not;
// - a shard is taken only where it is free, and given up only by who has too many.

export interface AssignmentView {
  /** How many shards there are. */
  readonly count: number;
  /** Identity of the replica that asks. */
  readonly self: string;
  /** Identities of all that live; the asking one counts as living. */
  readonly members: readonly string[];
  /** Holders by shard. Shards that nobody holds are not in it. */
  readonly holders: ReadonlyMap<number, string>;
}

export interface Assignment {
  /** Free shards that it should try to get. */
  readonly take: readonly number[];
  /** Shards of its own that it should give up. */
  readonly give: readonly number[];
}

/** What the replica should do next. */
export function assign({ count, self, members, holders }: AssignmentView): Assignment {
  const shards = Array.from({ length: count }, (_, shard) => shard);
  const living = new Set([...members, self]);
  const heldBy = (member: string): readonly number[] =>
    shards.filter((shard) => holders.get(shard) === member);
  const ranked = [...living]
    .map((member) => ({ member, held: heldBy(member) }))
    .sort((a, b) => b.held.length - a.held.length || (a.member < b.member ? -1 : 1));
  const least = Math.floor(count / ranked.length);
  const larger = count % ranked.length;
  const free = shards.filter((shard) => !holders.has(shard));
  let next = 0;
  for (const [rank, { member, held }] of ranked.entries()) {
    const target = least + (rank < larger ? 1 : 0);
    const missing = Math.max(0, target - held.length);
    if (member === self) return { take: free.slice(next, next + missing), give: held.slice(target) };
    next += missing;
  }
  return { take: [], give: [] };
}
