// Applies one object of a graph and says what came of it.
//
// Invariants kept here:
// - Where an earlier answer may be lost, or something is not as we left it, the live object is read and judged first.
// - A write to an object that we know carries its uid: a replaced object is noticed, never overwritten.
// - Fields are forced only in a repair, only with the resourceVersion that was judged, and only if every manager that
//   has them took them by an Update. Another Apply manager is a conflict that people resolve.
// - Whether we created or found the object is decided once per uid and stays with it.
import {
  type InventoryItem,
  KEEP_FIELD_MANAGER,
  type KubeObject,
  type Origin,
  RELEASED_FIELD_MANAGER,
} from '../api/index.ts';
import { ApplyConflictError, WaitingError } from '../errors.ts';
import { isNotFound, isPreconditionFailed, type Resource, type TenantClient } from '../kube/index.ts';
import { coOwners, judgeOrigin, ownedHash } from './fields/index.ts';
import { type IgnoredFields, prepareIgnoredFields } from './ignored-fields.ts';
import { claimedEntries } from './managed-fields.ts';
import { objectKeyOf } from './object-key.ts';
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
}

export interface ApplyOutcome {
  /** The entry with uid, origin and both hashes of what is now in the cluster. */
  readonly entry: InventoryItem;
  /** The API server's last answer. */
  readonly object: KubeObject;
}

interface Guard {
  readonly origin: Origin;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly isForced: boolean;
}

const MAX_LOOKS = 3;

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
    let isLookFirst =
      request.isLookFirst || (request.ignoreFields.length > 0 && request.entry.uid !== undefined);
    for (let look = 0; ; look += 1) {
      try {
        const live = isLookFirst ? await this.#read(request, signal) : undefined;
        return await this.#applyOnce(request, live, isLookFirst, signal);
      } catch (error) {
        if (look + 1 >= MAX_LOOKS) throw error;
        if (error instanceof ApplyConflictError) await this.#claimReleased(request, error, signal);
        else if (!isPreconditionFailed(error)) throw error;
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
    hasLooked: boolean,
    signal: AbortSignal,
  ): Promise<ApplyOutcome> {
    const guard = hasLooked ? this.#judge(request, live) : guardOf(request.entry);
    const ignored = await this.#ignored(request, live, signal);
    const origin = guard.origin;
    const answer = await this.#send(request, ignored, guard, signal);
    if (guard.uid === undefined && !answer.isCreated && origin === 'Created') {
      return await this.#settle(
        request,
        await this.#markFound(request, answer.object, signal),
        'Found',
        signal,
      );
    }
    return await this.#settle(request, answer.object, answer.isCreated ? 'Created' : origin, signal);
  }

  /** Says in the object that we found it, so that even a rebuilt inventory never deletes it. */
  async #markFound(request: ApplyRequest, found: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const ignored = await this.#ignored(request, found, signal);
    const guard: Guard = { origin: 'Found', ...uidOf(found), isForced: false };
    return (await this.#send(request, ignored, guard, signal)).object;
  }

  async #settle(
    request: ApplyRequest,
    applied: KubeObject,
    origin: Origin,
    signal: AbortSignal,
  ): Promise<ApplyOutcome> {
    const ignored = await this.#ignored(request, applied, signal);
    const object = ignored.keptObject ?? applied;
    const owned = ownedHash(object, this.#owner.manager, request.ignoreFields);
    const entry: InventoryItem = {
      ...request.entry,
      ...uidOf(object),
      origin,
      sent: sentHash(request.stamped(origin), request.ignoreFields),
      ...(owned === undefined ? {} : { owned }),
    };
    return { entry, object };
  }

  #ignored(request: ApplyRequest, live: KubeObject | undefined, signal: AbortSignal): Promise<IgnoredFields> {
    const { resource, ignoreFields } = request;
    return prepareIgnoredFields(
      this.#client,
      { resource, ignoreFields, manager: this.#owner.manager, live },
      signal,
    );
  }

  async #send(
    request: ApplyRequest,
    ignored: IgnoredFields,
    guard: Guard,
    signal: AbortSignal,
  ): Promise<{ readonly object: KubeObject; readonly isCreated: boolean }> {
    const resourceVersion = guard.isForced
      ? (ignored.keptObject?.metadata.resourceVersion ?? guard.resourceVersion)
      : undefined;
    return await this.#client.apply(
      request.resource,
      ignored.without(request.stamped(guard.origin)),
      {
        fieldManager: this.#owner.manager,
        force: guard.isForced,
        ...(guard.uid === undefined ? {} : { uid: guard.uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      signal,
    );
  }

  /** What may be written to the live object, and whose it is. */
  #judge(request: ApplyRequest, live: KubeObject | undefined): Guard {
    const { entry } = request;
    if (live === undefined) return { origin: 'Created', isForced: false };
    if (live.metadata.deletionTimestamp !== undefined) {
      throw new WaitingError('the object is being deleted and is waited for', {
        code: 'OBJECT_TERMINATING',
        reason: 'ObjectTerminating',
        afterMs: 30_000,
      });
    }
    const origin = live.metadata.uid === entry.uid ? entry.origin : this.#judgeUnknown(request, live);
    return {
      origin,
      ...uidOf(live),
      ...(live.metadata.resourceVersion === undefined
        ? {}
        : { resourceVersion: live.metadata.resourceVersion }),
      isForced:
        request.isRepair &&
        live.metadata.uid === entry.uid &&
        this.#isTakenByUpdatesOnly(request, live, origin),
    };
  }

  #judgeUnknown(request: ApplyRequest, live: KubeObject): Origin {
    return judgeOrigin(request.entry, live, {
      graphId: this.#owner.graphId,
      manager: this.#owner.manager,
      sent: request.stamped('Created'),
    });
  }

  #isTakenByUpdatesOnly(request: ApplyRequest, live: KubeObject, origin: Origin): boolean {
    const sent = request.stamped(origin);
    const takers = coOwners(live, sent, { manager: this.#owner.manager, ignoreFields: request.ignoreFields });
    return takers.every((taker) => taker.operation === 'Update');
  }

  /** Fields that only released entries hold are nobody's: they become ours. Anything else stays the conflict it is. */
  async #claimReleased(
    request: ApplyRequest,
    conflict: ApplyConflictError,
    signal: AbortSignal,
  ): Promise<void> {
    const isNobodys = (manager: string): boolean =>
      manager === RELEASED_FIELD_MANAGER ||
      (manager === KEEP_FIELD_MANAGER && request.ignoreFields.length === 0);
    const holders = [...new Set(conflict.conflicts.map(({ manager }) => manager))];
    if (!holders.every(isNobodys)) throw conflict;
    const live = await this.#read(request, signal);
    const entries = claimedEntries(live?.metadata.managedFields ?? [], holders, this.#owner.manager);
    if (live === undefined || entries === undefined) throw conflict;
    await replaceManagedFields(this.#client, request.resource, live, entries, [], signal);
  }
}

function guardOf(entry: InventoryItem): Guard {
  return { origin: entry.origin, ...(entry.uid === undefined ? {} : { uid: entry.uid }), isForced: false };
}

function uidOf(object: KubeObject): { readonly uid?: string } {
  return object.metadata.uid === undefined ? {} : { uid: object.metadata.uid };
}
