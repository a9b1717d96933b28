// What may be written to a live object, and whose it is. Pure: a verdict follows from the request and the version that
// was read, and every write that relies on it carries that version's uid.
import { GRAPH_LABEL, type InventoryItem, type KubeObject, type Origin } from '../api/index.ts';
import { ApplyConflictError, WaitingError } from '../errors.ts';
import { claimedBy, otherGraphOf } from './conflict.ts';
import { coOwners, isOurs, ownedPathsHash, ownedPathsOf } from './fields/index.ts';
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

/** What a verdict follows from, besides the live object. */
export type JudgedRequest = Pick<ApplyRequest, 'entry' | 'ignoreFields' | 'isRepair' | 'policy' | 'stamped'>;

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
 * @param conflict what the apply before this look met, and what the guard is to settle
 * @throws WaitingError where the object is being deleted; ApplyConflictError where it is another graph's, or where the
 * conflict can't be settled
 */
export function judge(
  request: JudgedRequest,
  live: KubeObject | undefined,
  owner: GraphOwner,
  conflict?: ApplyConflictError,
): Guard {
  const { entry } = request;
  if (live === undefined) return { origin: 'Created', isForced: false, isFoundNow: false };
  refuseTerminating(live);
  refuseAnothers(live, entry, owner);
  const { uid, resourceVersion } = live.metadata;
  const isKnown = uid === entry.uid;
  const origin = isKnown ? originOfKnown(entry, live, owner) : originOf(live, owner);
  const isFoundNow = origin === 'Found' && !(isKnown && entry.origin === 'Found');
  const isForced =
    (conflict !== undefined && request.policy.conflictPolicy === 'Force') ||
    (isKnown && isTakenSince(request, live, owner, origin, conflict));
  if (conflict !== undefined && !isForced) throw conflict;
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

/** @throws ApplyConflictError for an object that holds another graph's Apply entry, and is not ours: it is never taken. */
export function refuseAnothers(live: KubeObject, entry: InventoryItem, owner: GraphOwner): void {
  const other = isOurs(live, owner.graphId, owner.manager) ? undefined : otherGraphOf(live, owner.manager);
  if (other === undefined) return;
  const field = `.metadata.labels.${GRAPH_LABEL}`;
  throw new ApplyConflictError(claimedBy(entry, other), [{ manager: other, field }]);
}

/**
 * True where all that others hold of what we send was ours after our last apply, and was taken by an Update since. A
 * repair sends what that apply sent, so that each field of it was ours. An update sends more or less: there, what is ours
 * now and what was taken have to be together what was ours then, which the hash of the paths tells.
 */
function isTakenSince(
  { entry, ignoreFields, isRepair, stamped }: JudgedRequest,
  live: KubeObject,
  { manager }: GraphOwner,
  origin: Origin,
  conflict: ApplyConflictError | undefined,
): boolean {
  if (!isRepair && conflict === undefined) return false;
  const takers = coOwners(live, stamped(origin), { manager, ignoreFields });
  if (!takers.every((taker) => taker.operation === 'Update')) return false;
  if (isRepair) return true;
  const taken = takers.flatMap(({ paths }) => paths);
  const before = [...ownedPathsOf(live, manager, ignoreFields), ...taken];
  return taken.length > 0 && ownedPathsHash(before) === entry.ownedPaths;
}
