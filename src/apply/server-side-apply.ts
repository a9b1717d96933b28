// Applies one object of a graph and says what came of it.
//
// Invariants kept here:
// - The first write to an object is an apply that can only create: it carries a resourceVersion that no object has, so
//   that the API server answers 201 or a conflict, and never touches what was there. Whatever carries our label and our
//   Apply entry was therefore created by us, however many answers were lost, unless the object itself says `found`.
//   A server that does not know that precondition answers 200: what it then holds counts as found.
// - An object that was there is recorded as found, with its uid, before the first write to it.
// - A later write carries the uid: a replaced object is noticed, never overwritten.
// - Fields are forced only in a repair, only with the resourceVersion that was judged, and only if every manager that
//   has them took them by an Update. Another Apply manager is a conflict that people resolve.
import {
  describeIdentity,
  FIELD_MANAGER_PREFIX,
  type InventoryItem,
  KEEP_FIELD_MANAGER,
  type KubeObject,
  type Origin,
  RELEASED_FIELD_MANAGER,
} from '../api/index.ts';
import { ApplyConflictError, WaitingError } from '../errors.ts';
import { isNotFound, isPreconditionFailed, type Resource, type TenantClient } from '../kube/index.ts';
import { coOwners, ownedHash } from './fields/index.ts';
import { type IgnoredFields, prepareIgnoredFields, refusePointersIntoLists } from './ignored-fields.ts';
import { claimedEntries } from './managed-fields.ts';
import { objectKeyOf } from './object-key.ts';
import { originOf } from './origin.ts';
import { replaceManagedFields } from './ownership-patch.ts';
import { type GraphOwner, sentHash } from './stamp.ts';

/** One object to bring about. */
export interface ApplyRequest {
  readonly resource: Resource;
  /** The object as it would be sent for an entry of the given origin. */
  readonly stamped: (origin: Origin) => KubeObject;
  readonly ignoreFields: readonly string[];
  /** What the inventory says; it is recorded in status before this is called. */
  readonly entry: InventoryItem;
  /** True where an earlier write may have landed without our knowing, or the object is not as we left it. */
  readonly isLookFirst: boolean;
  /** True where only what we applied before is put back, so that fields taken by an Update may be forced. */
  readonly isRepair: boolean;
  /** Stores the entry of an object that was there before us; called before the first write to it. */
  readonly recordFound: (entry: InventoryItem) => Promise<void>;
}

export interface ApplyOutcome {
  /** The entry with uid, origin and both hashes of what is now in the cluster. */
  readonly entry: InventoryItem;
  /** The API server's last answer. */
  readonly object: KubeObject;
}

interface Guard {
  readonly origin: Origin;
  /** Undefined where the apply may only create. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly isForced: boolean;
  /** The object was there before us and the inventory does not say so yet. */
  readonly isFoundNow: boolean;
}

/** How often an object that changes under our hands is looked at before the node is put off. */
const MAX_LOOKS = 4;
/** No object has it: etcd counts from 2. An apply that carries it creates, or is a conflict. */
const NO_VERSION = '1';

/** Applies objects of one graph as one tenant. */
export class ObjectApplier {
  readonly #client: TenantClient;
  readonly #owner: GraphOwner;

  constructor(client: TenantClient, owner: GraphOwner) {
    this.#client = client;
    this.#owner = owner;
  }

  /**
   * @throws ApplyConflictError where others hold fields; WaitingError where the object is being deleted;
   * InvalidObjectError, ApiError and TransportError as the client raises them. After a TransportError the write may
   * have landed: the next request must look first.
   */
  async apply(request: ApplyRequest, signal: AbortSignal): Promise<ApplyOutcome> {
    refusePointersIntoLists(request.stamped(request.entry.origin), request.ignoreFields);
    const hasIgnored = request.ignoreFields.length > 0 && request.entry.uid !== undefined;
    let isLookFirst = request.isLookFirst || hasIgnored;
    for (let look = 0; ; look += 1) {
      try {
        const live = isLookFirst ? await this.#read(request, signal) : undefined;
        const guard = isLookFirst ? this.#judge(request, live) : guardOf(request.entry);
        if (guard.isFoundNow)
          await request.recordFound({ ...request.entry, origin: 'Found', uid: guard.uid ?? '' });
        return await this.#applyOnce(request, live, guard, signal);
      } catch (error) {
        if (look + 1 >= MAX_LOOKS) throw error;
        if (error instanceof ApplyConflictError) {
          // The field conflict of an apply that was to create only says that there is something to look at.
          if (isLookFirst || request.entry.uid !== undefined)
            await this.#claimReleased(request, error, signal);
        } else if (!isPreconditionFailed(error)) throw error;
        isLookFirst = true;
      }
    }
  }

  async #read(request: ApplyRequest, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#client.get(request.resource, objectKeyOf(request.entry), signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #applyOnce(
    request: ApplyRequest,
    live: KubeObject | undefined,
    guard: Guard,
    signal: AbortSignal,
  ): Promise<ApplyOutcome> {
    const ignored = await this.#ignored(request, live, signal);
    const resourceVersion = guard.uid === undefined ? NO_VERSION : this.#forcedVersion(guard, ignored);
    const answer = await this.#client.apply(
      request.resource,
      ignored.without(request.stamped(guard.origin)),
      { fieldManager: this.#owner.manager, force: guard.isForced, uid: guard.uid, resourceVersion },
      signal,
    );
    const kept = await this.#ignored(request, answer.object, signal);
    const object = kept.keptObject ?? answer.object;
    const owned = ownedHash(object, this.#owner.manager, request.ignoreFields);
    const wasThere = guard.uid === undefined && !answer.isCreated;
    const entry: InventoryItem = {
      ...request.entry,
      ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
      origin: wasThere ? 'Found' : guard.origin,
      sent: sentHash(request.stamped(guard.origin), request.ignoreFields),
      ...(owned === undefined ? {} : { owned }),
    };
    return { entry, object };
  }

  #forcedVersion(guard: Guard, ignored: IgnoredFields): string | undefined {
    return guard.isForced
      ? (ignored.keptObject?.metadata.resourceVersion ?? guard.resourceVersion)
      : undefined;
  }

  #ignored(request: ApplyRequest, live: KubeObject | undefined, signal: AbortSignal): Promise<IgnoredFields> {
    const { resource, ignoreFields } = request;
    return prepareIgnoredFields(
      this.#client,
      { resource, ignoreFields, manager: this.#owner.manager, live },
      signal,
    );
  }

  /** What may be written to the live object, and whose it is. */
  #judge(request: ApplyRequest, live: KubeObject | undefined): Guard {
    const { entry } = request;
    if (live === undefined) return { origin: 'Created', isForced: false, isFoundNow: false };
    if (live.metadata.deletionTimestamp !== undefined) {
      throw new WaitingError('the object is being deleted and is waited for', {
        code: 'OBJECT_TERMINATING',
        reason: 'ObjectTerminating',
        afterMs: 30_000,
      });
    }
    const { uid, resourceVersion } = live.metadata;
    const isKnown = uid === entry.uid;
    const origin = isKnown ? entry.origin : originOf(live, this.#owner);
    const isFoundNow = !isKnown && origin === 'Found';
    const isForced = request.isRepair && isKnown && this.#isTakenByUpdatesOnly(request, live, origin);
    return { origin, uid, resourceVersion, isForced, isFoundNow };
  }

  #isTakenByUpdatesOnly(request: ApplyRequest, live: KubeObject, origin: Origin): boolean {
    const sent = request.stamped(origin);
    const takers = coOwners(live, sent, { manager: this.#owner.manager, ignoreFields: request.ignoreFields });
    return takers.every((taker) => taker.operation === 'Update');
  }

  /**
   * Fields that only released entries hold are nobody's: they become ours. So do fields kept for others that the node
   * ignores no longer; those that it still ignores are not sent, and are kept anew. Anything else stays the conflict it is.
   */
  async #claimReleased(
    request: ApplyRequest,
    conflict: ApplyConflictError,
    signal: AbortSignal,
  ): Promise<void> {
    const isNobodys = (manager: string): boolean =>
      manager === RELEASED_FIELD_MANAGER || manager === KEEP_FIELD_MANAGER;
    const holders = [...new Set(conflict.conflicts.map(({ manager }) => manager))];
    if (!holders.every(isNobodys)) throw claimOfAnother(conflict, request) ?? conflict;
    const live = await this.#read(request, signal);
    const entries = claimedEntries(live?.metadata.managedFields ?? [], holders, this.#owner.manager);
    if (live === undefined || entries === undefined) throw conflict;
    await replaceManagedFields(this.#client, request.resource, live, entries, [], signal);
  }
}

/** The conflict with another graph, in words about Transforms instead of labels. */
function claimOfAnother(
  conflict: ApplyConflictError,
  { entry }: ApplyRequest,
): ApplyConflictError | undefined {
  for (const { manager } of conflict.conflicts) {
    if (!manager.startsWith(FIELD_MANAGER_PREFIX) || manager === KEEP_FIELD_MANAGER) continue;
    const other = manager.slice(FIELD_MANAGER_PREFIX.length);
    const message = `${describeIdentity(entry)} belongs to Transform ${other} (field manager ${manager}); an object can be in one Transform only`;
    return new ApplyConflictError(message, conflict.conflicts, conflict);
  }
  return undefined;
}

function guardOf(entry: InventoryItem): Guard {
  const origin = entry.uid === undefined ? 'Created' : entry.origin;
  return { origin, uid: entry.uid, isForced: false, isFoundNow: false };
}
