// Whether an object whose creation we may have missed is ours to delete.
import { type InventoryItem, KEEP_FIELD_MANAGER, type KubeObject, type Origin } from '../api/index.ts';

/** An entry of `managedFields`, as far as it matters here. */
export interface OriginWitness {
  readonly manager: string;
  readonly subresource?: string | undefined;
  /** RFC 3339, whole seconds. */
  readonly time?: string | undefined;
}

export interface OriginFacts {
  /** The object carries our label and an Apply entry of our manager. */
  readonly isOurs: boolean;
  /** Our field manager. */
  readonly manager: string;
  /** When our Apply entry was last effective. */
  readonly appliedAt: string | undefined;
  /** All other entries that own, alone or with us, a field that we sent. */
  readonly coOwners: readonly OriginWitness[];
}

/**
 * Judges a live object after a crash, where the answer to our first write may be lost: `Created` only if the object is
 * ours, not older than the recorded intent, and no one else can have created it. An entry that is as old as the object
 * can be its creator's; ours must be one, since nothing was written between the creation and this moment. Times have a
 * resolution of a second, so that in doubt it is `Found`, which is never deleted.
 */
export function originOf(entry: InventoryItem, live: KubeObject, facts: OriginFacts): Origin {
  const createdMs = timeOf(live.metadata.creationTimestamp);
  const recordedMs = timeOf(entry.recordedAt);
  if (!facts.isOurs || entry.origin === 'Found') return 'Found';
  if (createdMs === undefined || recordedMs === undefined || createdMs < recordedMs) return 'Found';
  const appliedMs = timeOf(facts.appliedAt);
  if (appliedMs === undefined || appliedMs > createdMs) return 'Found';
  const mayBeCreator = (witness: OriginWitness): boolean =>
    witness.manager !== facts.manager &&
    witness.manager !== KEEP_FIELD_MANAGER &&
    witness.subresource !== 'status' &&
    (timeOf(witness.time) ?? createdMs) <= createdMs;
  return facts.coOwners.some(mayBeCreator) ? 'Found' : 'Created';
}

function timeOf(text: string | undefined): number | undefined {
  const timeMs = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
