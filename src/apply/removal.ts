// Takes one inventory entry out of the cluster, or lets its object go.
//
// Invariants kept here:
// - Only what we created or adopted is deleted, and only while the object is still ours: our label and our Apply entry.
//   Whose it was is read from the object, as marked in our first write to it; the entry can only say more in favour of
//   keeping it. Everything else is released or left.
// - DELETE carries the uid and the resourceVersion of the version that was judged, and says how dependents go.
// - `gone` is said only of what the API server says is gone.
import { DELETION_ANNOTATION, type InventoryItem, type KubeObject } from '../api/index.ts';
import { type Hold, isProtected, propagationPolicyOf, pruneHold } from '../graph/index.ts';
import { isConflict, isNotFound, type Resource, type TenantClient } from '../kube/index.ts';
import { findContents, holdsOthers } from './contents.ts';
import { isOurs } from './fields/index.ts';
import { objectKeyOf } from './object-key.ts';
import { markedOrigin } from './origin.ts';
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
  /** True where the Transform goes too: grace periods don't count, and what is protected is released. */
  readonly isFinal: boolean;
  readonly nowMs: number;
  /** Namespaced kinds that the API server serves, for the contents of a Namespace; undefined where not all are known. */
  readonly namespacedKinds: (signal: AbortSignal) => Promise<readonly Resource[] | undefined>;
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

  /**
   * @returns what came of it, or why the object stays for now
   * @throws ApiError and TransportError as the client raises them; nothing is half done then
   */
  async remove(removal: Removal, signal: AbortSignal): Promise<Hold | RemovalResult> {
    const { entry, observation } = removal;
    if (observation !== undefined && this.#isPlainlyOurs(removal, observation)) {
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
    if (this.#isLetGo(removal, live)) return await this.#release(removal, signal);
    if (live.metadata.deletionTimestamp !== undefined) return 'pending';
    const hold = await this.#holdOf(removal, live, signal);
    return hold ?? (await this.#delete(removal, live.metadata, signal));
  }

  /** True where the watch alone shows that the entry's object may be deleted. */
  #isPlainlyOurs({ entry, isOrphaned, resource }: Removal, observation: Observation): boolean {
    const { annotations } = observation;
    return (
      !isOrphaned &&
      !holdsOthers(resource) &&
      entry.origin !== 'Found' &&
      entry.uid !== undefined &&
      observation.uid === entry.uid &&
      observation.deletionTimestamp === undefined &&
      observation.graphId === this.#owner.graphId &&
      observation.owned[this.#owner.manager] !== undefined &&
      markedOrigin(annotations) !== 'Found' &&
      annotations[DELETION_ANNOTATION] === undefined &&
      pruneHold(annotations, undefined, 0) === undefined
    );
  }

  /** True where the object stays and is ours no longer. */
  #isLetGo({ entry, isOrphaned, isFinal }: Removal, live: KubeObject): boolean {
    const { annotations, uid } = live.metadata;
    return (
      isOrphaned ||
      (entry.origin === 'Found' && entry.uid === uid) ||
      markedOrigin(annotations) === 'Found' ||
      annotations?.[DELETION_ANNOTATION] === 'Orphan' ||
      (isFinal && isProtected(annotations))
    );
  }

  async #holdOf(removal: Removal, live: KubeObject, signal: AbortSignal): Promise<Hold | undefined> {
    const { entry, isFinal, nowMs, resource, namespacedKinds } = removal;
    const own = isFinal ? undefined : pruneHold(live.metadata.annotations, entry.prunableSince, nowMs);
    if (own !== undefined || !holdsOthers(resource)) return own;
    return await findContents({ client: this.#client, resource, live, namespacedKinds }, signal);
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
