import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assignment, assign } from './assignment.ts';

interface View {
  readonly members: readonly string[];
  readonly holders: ReadonlyMap<number, string>;
}

/** Leases as the API server has them, and replicas that act on what they saw of them, be it old. */
class World {
  readonly #count: number;
  readonly #living = new Set<string>();
  readonly #holders = new Map<number, string>();
  readonly #views = new Map<string, View>();
  /** Shards that a replica which lives gave up. */
  moves = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get living(): readonly string[] {
    return [...this.#living];
  }

  join(member: string): void {
    this.#living.add(member);
    this.look(member);
  }

  leave(member: string): void {
    this.crash(member);
    this.expire();
  }

  crash(member: string): void {
    this.#living.delete(member);
    this.#views.delete(member);
  }

  /** What those who are gone held becomes free. */
  expire(): void {
    for (const [shard, holder] of this.#holders) if (!this.#living.has(holder)) this.#holders.delete(shard);
  }

  look(member: string): void {
    this.#views.set(member, { members: this.living, holders: new Map(this.#holders) });
  }

  /** Does what the replica's view suggests, as far as the API server lets it. @returns whether that was anything */
  act(member: string): boolean {
    const view = this.#views.get(member);
    if (view === undefined) return false;
    const { take, give }: Assignment = assign({ count: this.#count, self: member, ...view });
    for (const shard of give) {
      if (this.#holders.get(shard) !== member) continue;
      this.#holders.delete(shard);
      this.moves += 1;
    }
    for (const shard of take) if (!this.#holders.has(shard)) this.#holders.set(shard, member);
    return take.length + give.length > 0;
  }

  /** Rounds of looks and acts until nobody has anything to do. */
  settle(): void {
    for (let round = 0; round < 3 * this.#count; round += 1) {
      this.expire();
      const busy = this.living.map((member) => {
        this.look(member);
        return this.act(member);
      });
      if (!busy.includes(true)) return;
    }
    throw new Error('the replicas do not come to rest');
  }

  sizes(): readonly number[] {
    return this.living.map((member) => [...this.#holders.values()].filter((each) => each === member).length);
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const events = fc.array(
  fc.tuple(
    fc.constantFrom('join', 'leave', 'crash', 'expire', 'look', 'act', 'act'),
    fc.constantFrom(...NAMES),
  ),
  { maxLength: 80 },
);
const count = fc.integer({ min: 1, max: 24 });

describe('the assignment of shards', () => {
  it('comes to rest, balanced, whatever joins, leaves and crashes, and however old the views were', () => {
    fc.assert(
      fc.property(count, events, (shards, happened) => {
        const world = new World(shards);
        for (const [what, member] of happened) {
          if (what === 'expire') world.expire();
          else if (what === 'join' || world.living.includes(member)) world[what](member);
        }
        if (world.living.length === 0) world.join('a');
        world.settle();
        const sizes = world.sizes();
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(shards);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });

  it('moves what a newcomer gets, and nothing else', () => {
    fc.assert(
      fc.property(count, fc.integer({ min: 1, max: 5 }), (shards, members) => {
        const world = new World(shards);
        for (const member of NAMES.slice(0, members)) world.join(member);
        world.settle();
        world.moves = 0;
        world.join('0');
        world.settle();
        expect(world.moves).toBe(Math.floor(shards / (members + 1)));
      }),
    );
  });

  it('moves nothing between those who stay when one leaves', () => {
    fc.assert(
      fc.property(count, fc.integer({ min: 2, max: 6 }), fc.nat(5), (shards, members, leaver) => {
        const world = new World(shards);
        const names = NAMES.slice(0, members);
        for (const member of names) world.join(member);
        world.settle();
        world.moves = 0;
        world.leave(names[leaver % members] ?? 'a');
        world.settle();
        expect(world.moves).toBe(0);
      }),
    );
  });

  it('gives a shard that is free to one taker, where all see the same', () => {
    fc.assert(
      fc.property(count, fc.integer({ min: 1, max: 6 }), (shards, amount) => {
        const members = NAMES.slice(0, amount);
        const taken = members.flatMap((self) => {
          return assign({ count: shards, self, members, holders: new Map() }).take;
        });
        expect([...taken].sort((a, b) => a - b)).toEqual(Array.from({ length: shards }, (_, shard) => shard));
      }),
    );
  });

  it('counts the one that asks, also where nobody has seen it yet', () => {
    expect(assign({ count: 3, self: 'a', members: [], holders: new Map() })).toEqual({
      take: [0, 1, 2],
      give: [],
    });
  });
});
