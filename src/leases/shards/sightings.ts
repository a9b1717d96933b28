// What this process has seen of the Leases of others. Whether a holder lives is told from how long its Lease has stayed
// the same while this process looked, by its own clock; times that others wrote are compared by nobody.
import type { KubeObject } from '../../api/index.ts';
import { storedLease } from '../record.ts';
import { COUNT_LABEL, ROLE_LABEL } from './names.ts';

/** One Lease, as it was seen. */
export interface Sighting {
  readonly name: string;
  readonly resourceVersion: string;
  readonly role: string | undefined;
  /** How many shards there are for the replica that made it. */
  readonly count: number | undefined;
  /** Empty where nobody holds it. */
  readonly holder: string;
  readonly durationMs: number;
  /** When this version was first seen. */
  readonly sinceMs: number;
}

/** How many of its durations a Lease has been silent for when it counts as left behind. */
const LEFT_AFTER = 4;

export class Sightings {
  readonly #defaultDurationMs: number;
  #seen: ReadonlyMap<string, Sighting> = new Map();

  /** @param defaultDurationMs of Leases that name none */
  constructor(defaultDurationMs: number) {
    this.#defaultDurationMs = defaultDurationMs;
  }

  /** Takes in all Leases as they are now. One that is not among them is forgotten. */
  look(leases: readonly KubeObject[], nowMs: number): void {
    this.#seen = new Map(leases.map((lease) => [lease.metadata.name, this.#sight(lease, nowMs)]));
  }

  /** Who holds it, as far as this process can tell; undefined where nobody does. */
  holder(name: string, nowMs: number): string | undefined {
    return liveHolder(this.#seen.get(name), nowMs);
  }

  /** Replicas that live and have this count of shards. */
  members(count: number, nowMs: number): readonly string[] {
    const members = [...this.#seen.values()].filter((each) => each.role === 'member' && each.count === count);
    return members.flatMap((member) => liveHolder(member, nowMs) ?? []);
  }

  /** Other counts of which shards are held. */
  otherCounts(count: number, nowMs: number): readonly number[] {
    const held = [...this.#seen.values()].filter((each) => {
      return each.role === 'shard' && each.count !== count && liveHolder(each, nowMs) !== undefined;
    });
    return [...new Set(held.map((each) => each.count ?? Number.NaN))];
  }

  /** Leases that nobody will need again: of members, and of shards of other counts, that have been silent for long. */
  leftovers(count: number, nowMs: number): readonly Sighting[] {
    return [...this.#seen.values()].filter((each) => {
      const isLeft = each.role === 'member' || (each.role === 'shard' && each.count !== count);
      return isLeft && nowMs - each.sinceMs >= LEFT_AFTER * each.durationMs;
    });
  }

  #sight(lease: KubeObject, nowMs: number): Sighting {
    const { name, labels } = lease.metadata;
    const { resourceVersion, record } = storedLease(lease, this.#defaultDurationMs);
    const known = this.#seen.get(name);
    if (known?.resourceVersion === resourceVersion) return known;
    const { holder, durationMs } = record;
    const shards = Number(labels?.[COUNT_LABEL] ?? Number.NaN);
    return {
      ...{ name, resourceVersion, holder, durationMs, sinceMs: nowMs },
      role: labels?.[ROLE_LABEL],
      count: Number.isInteger(shards) ? shards : undefined,
    };
  }
}

/** A holder that has been silent for its duration holds nothing. */
function liveHolder(sighting: Sighting | undefined, nowMs: number): string | undefined {
  if (sighting === undefined || sighting.holder === '') return undefined;
  return nowMs - sighting.sinceMs < sighting.durationMs ? sighting.holder : undefined;
}
