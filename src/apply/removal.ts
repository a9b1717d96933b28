// Takes one inventory entry out of the cluster, or lets its object go.
//
// Invariants kept here:
// - Only what we created or adopted is deleted, and only while the object is still ours: our label and our Apply entry.
//   Under the uid of the entry the entry says whose it is; under another uid, as after a repair whose record was lost,
//   and for an adoption whose end was not recorded, the object itself does. Everything else is released or left.
// - DELETE carries the uid and the resourceVersion of the version that was judged, and says how dependents go.
// - `gone` is said only of what the API server says is gone.
import type { InventoryItem, KubeObject } from '../api/index.ts';
import { propagationPolicyOf } from '../graph/index.ts';
import { isConflict, isNotFound, type Resource, type TenantClient } from '../kube/index.ts';
import { isOurs } from './fields/index.ts';
import { objectKeyOf } from './object-key.ts';
import { originOf } from './origin.ts';
import type { Observation } from './readiness/index.ts';
import { isHalfAdopted, releaseObject } from './release.ts';
import type { GraphOwner } from './stamp.ts';

/**
 * - `gone`: not in the cluster any more. - `released`: still there, no longer ours; its entry leaves the inventory.
 * - `pending`: deletion is under way, the watch tells when it is over. - `again`: it changed meanwhile; look once more.
 * - `abandoned`: it stopped being ours before; reported, kept, its entry leaves.
 */
export type RemovalResult = 'gone' | 'released' | 'pending' | 'again' | 'abandoned';

export interface Removal {
  readonly resource: Resource;
  readonly entry: InventoryItem;
  /** From the entry, the Transform and a cascade: Orphan wins wherever it is said. */
  readonly isOrphaned: boolean;
  /** What the watch sees; where it shows the object as ours, nothing is read before the delete. */
  readonly observation?: Observation | undefined;
}

/** The version of an object that was judged. */
interface Judged {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** Removes objects of one graph as one tenant. */
export class ObjectRemover {
  readonly #client: TenantClient;
  readonly #owner: GraphOwner;

  constructor(client: TenantClient, owner: GraphOwner) {
    this.#client = client;
    this.#owner = owner;
  }

  /** @throws ApiError and TransportError as the client raises them; nothing is half done then. */
  async remove(removal: Removal, signal: AbortSignal): Promise<RemovalResult> {
    const { entry, observation } = removal;
    if (this.#isPlainlyOurs(removal) && observation !== undefined) {
      const result = await this.#delete(removal, observation, signal);
      // A watch that is behind, or broken, must not keep the object for as long as it is.
      if (result !== 'again') return result;
    }
    const live = await this.#read(removal, signal);
    if (live === undefined) return 'gone';
    if (!isOurs(live, this.#owner.graphId, this.#owner.manager)) {
      if (isHalfAdopted(live, this.#owner, entry)) return await this.#release(removal, signal);
      // Somebody else's object has the name now; the one that the entry speaks of is gone.
      return entry.uid === live.metadata.uid ? 'abandoned' : 'gone';
    }
    if (removal.isOrphaned || this.#originOf(entry, live) === 'Found')
      return await this.#release(removal, signal);
    if (live.metadata.deletionTimestamp !== undefined) return 'pending';
    return await this.#delete(removal, live.metadata, signal);
  }

  /** True where the watch alone shows that the entry's object may be deleted. */
  #isPlainlyOurs({ entry, observation, isOrphaned }: Removal): boolean {
    return (
      !isOrphaned &&
      isRemovable(entry) &&
      entry.uid !== undefined &&
      observation?.uid === entry.uid &&
      observation.deletionTimestamp === undefined &&
      observation.graphId === this.#owner.graphId &&
      observation.owned[this.#owner.manager] !== undefined
    );
  }

  #originOf(entry: InventoryItem, live: KubeObject): InventoryItem['origin'] {
    const isKnown = entry.uid === live.metadata.uid && isEffected(entry);
    return isKnown ? entry.origin : originOf(live, this.#owner);
  }

  async #read(removal: Removal, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#client.get(removal.resource, objectKeyOf(removal.entry), signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #release(removal: Removal, signal: AbortSignal): Promise<RemovalResult> {
    const result = await releaseObject(this.#client, this.#owner, removal.resource, removal.entry, signal);
    return result === 'left' ? 'released' : 'again';
  }

  async #delete(removal: Removal, judged: Judged, signal: AbortSignal): Promise<RemovalResult> {
    const { resource, entry } = removal;
    const { uid, resourceVersion } = judged;
    const options = { propagationPolicy: propagationPolicyOf(resource.kind), uid, resourceVersion };
    try {
      const answer = await this.#client.delete(resource, objectKeyOf(entry), options, signal);
      return answer.state === 'gone' ? 'gone' : 'pending';
    } catch (error) {
      if (isConflict(error)) return 'again';
      throw error;
    }
  }
}

/** False for an adoption that is only recorded: whether it came about the object itself says. */
function isEffected(entry: InventoryItem): boolean {
  return entry.origin !== 'Adopted' || entry.sent !== undefined;
}

function isRemovable(entry: InventoryItem): boolean {
  return entry.origin !== 'Found' && isEffected(entry);
}
