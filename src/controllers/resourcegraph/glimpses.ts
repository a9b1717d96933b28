// Objects of `mode: Create` that were there before: they are left without our label, so that no watch of ours shows them.
// They are looked at by interval instead, often until they are ready, and rarely from then on.
import { identityKey, type ObjectIdentity } from '../../api/index.ts';
import type { Observation } from '../../apply/index.ts';

const UNREADY_INTERVAL_MS = 10_000;
const READY_INTERVAL_MS = 5 * 60_000;

interface Glimpse {
  readonly observation: Observation;
  readonly dueAtMs: number;
}

/** What was last seen of such objects of one graph. */
export class Glimpses {
  readonly #seen = new Map<string, Glimpse>();

  seen(identity: ObjectIdentity, observation: Observation, isReady: boolean, nowMs: number): void {
    const dueAtMs = nowMs + (isReady ? READY_INTERVAL_MS : UNREADY_INTERVAL_MS);
    this.#seen.set(identityKey(identity), { observation, dueAtMs });
  }

  /** Undefined where it is time to look, again or for the first time. */
  at(identity: ObjectIdentity, nowMs: number): Observation | undefined {
    const glimpse = this.#seen.get(identityKey(identity));
    return glimpse === undefined || glimpse.dueAtMs <= nowMs ? undefined : glimpse.observation;
  }

  /** What was seen last, however long ago. */
  last(identity: ObjectIdentity): Observation | undefined {
    return this.#seen.get(identityKey(identity))?.observation;
  }

  /** Forgets all but these objects. */
  keep(identities: Iterable<ObjectIdentity>): void {
    const kept = new Set<string>();
    for (const identity of identities) kept.add(identityKey(identity));
    for (const key of this.#seen.keys()) if (!kept.has(key)) this.#seen.delete(key);
  }

  /** When the next look is due, in ms; undefined where there is nothing to look at. */
  get nextAtMs(): number | undefined {
    const dueAtMs = [...this.#seen.values()].map((glimpse) => glimpse.dueAtMs);
    return dueAtMs.length === 0 ? undefined : Math.min(...dueAtMs);
  }
}
