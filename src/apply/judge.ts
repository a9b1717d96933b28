// What may be written to a live object, and whose it is. Pure: a verdict follows from the request and the version that
// was read, and every write that relies on it carries that version's uid.
import type { InventoryItem, KubeObject, Origin } from '../api/index.ts';
import { WaitingError } from '../errors.ts';
import { coOwners } from './fields/index.ts';
import { originOf, originOfKnown } from './origin.ts';
import type { ApplyRequest } from './request.ts';
import type { GraphOwner } from './stamp.ts';

/** Under which conditions an apply is sent. */
export interface Guard {
  readonly origin: Origin;
  /** Undefined where the apply may only create. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly isForced: boolean;
  /** The object was there before us and the inventory does not say so yet. */
  readonly isFoundNow: boolean;
}

/** When to look again at an object that is being deleted; the watch says it earlier. */
const TERMINATING_RETRY_MS = 30_000;

/** The guard of an apply that relies on the inventory alone. */
export function guardOf(entry: InventoryItem): Guard {
  const origin = entry.uid === undefined ? 'Created' : entry.origin;
  return { origin, uid: entry.uid, isForced: false, isFoundNow: false };
}

/**
 * The guard of an apply that follows a look.
 * @param live undefined where there is no such object
 * @throws WaitingError where it is being deleted
 */
export function judge(request: ApplyRequest, live: KubeObject | undefined, owner: GraphOwner): Guard {
  const { entry } = request;
  if (live === undefined) return { origin: 'Created', isForced: false, isFoundNow: false };
  refuseTerminating(live);
  const { uid, resourceVersion } = live.metadata;
  const isKnown = uid === entry.uid;
  const origin = isKnown ? originOfKnown(entry, live, owner) : originOf(live, owner);
  const isFoundNow = origin === 'Found' && !(isKnown && entry.origin === 'Found');
  const isForced = request.isRepair && isKnown && isTakenByUpdatesOnly(request, live, owner, origin);
  return { origin, uid, resourceVersion, isForced, isFoundNow };
}

/** @throws WaitingError for an object that is being deleted: an apply to it would be lost with it. */
export function refuseTerminating(live: KubeObject): void {
  if (live.metadata.deletionTimestamp === undefined) return;
  throw new WaitingError('the object is being deleted and is waited for', {
    code: 'OBJECT_TERMINATING',
    reason: 'ObjectTerminating',
    afterMs: TERMINATING_RETRY_MS,
  });
}

function isTakenByUpdatesOnly(
  request: ApplyRequest,
  live: KubeObject,
  { manager }: GraphOwner,
  origin: Origin,
): boolean {
  const takers = coOwners(live, request.stamped(origin), { manager, ignoreFields: request.ignoreFields });
  return takers.every((taker) => taker.operation === 'Update');
}
