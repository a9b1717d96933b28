// What would become of objects that the candidate has no node for: the rules of `src/apply/removal.ts`, read only.
import {
  apiVersionOf,
  type DeletionPolicy,
  type InventoryItem,
  type KubeObject,
  type PlanItem,
} from '../../../api/index.ts';
import { type GraphOwner, isOurs, originOf, originOfKnown } from '../../../apply/index.ts';
import { pruneHold } from '../../../graph/index.ts';
import {
  isForbidden,
  isKindNotServed,
  isNotFound,
  type Resource,
  type TenantClient,
} from '../../../kube/index.ts';

export interface PruneContext {
  readonly client: TenantClient;
  readonly owner: GraphOwner;
  readonly nowMs: number;
  /** The policy of the Transform that the candidate brings. */
  readonly deletionPolicy: DeletionPolicy;
  /** Undefined where the kind is not served. */
  readonly resourceOf: (item: InventoryItem, signal: AbortSignal) => Promise<Resource | undefined>;
}

/** The item of the plan; undefined where there is nothing left to prune. @throws what passes by itself */
export async function previewPrune(
  context: PruneContext,
  entry: InventoryItem,
  signal: AbortSignal,
): Promise<PlanItem | undefined> {
  const resource = await context.resourceOf(entry, signal);
  if (resource === undefined) return undefined;
  try {
    const live = await context.client.get(resource, { namespace: entry.namespace, name: entry.name }, signal);
    return judge(context, entry, live);
  } catch (error) {
    if (isNotFound(error) || isKindNotServed(error)) return undefined;
    if (!isForbidden(error)) throw error;
    return itemOf(entry, 'Error', undefined, error.message);
  }
}

function judge(
  { owner, deletionPolicy, nowMs }: PruneContext,
  entry: InventoryItem,
  live: KubeObject,
): PlanItem | undefined {
  const { uid, annotations } = live.metadata;
  const isKnown = uid === entry.uid;
  if (!isOurs(live, owner.graphId, owner.manager))
    return isKnown ? itemOf(entry, 'Keep', uid, 'it is not marked as ours any more') : undefined;
  if (entry.deletion === 'Orphan' || deletionPolicy === 'Orphan')
    return itemOf(entry, 'Keep', uid, 'it leaves the graph and stays: its deletion policy is Orphan');
  if ((isKnown ? originOfKnown(entry, live, owner) : originOf(live, owner)) === 'Found')
    return itemOf(entry, 'Keep', uid, 'it leaves the graph and stays: it was there before');
  const hold = pruneHold(annotations, entry.prunableSince, nowMs);
  if (hold === undefined) return itemOf(entry, 'Prune', uid, undefined);
  const isOnlyLate = hold.reason === 'GracePeriod';
  return itemOf(
    entry,
    isOnlyLate ? 'Prune' : 'Keep',
    uid,
    isOnlyLate ? 'after its grace period' : `it ${hold.message}`,
  );
}

function itemOf(
  { nodeId, group, version, kind, namespace, name }: InventoryItem,
  action: PlanItem['action'],
  uid: string | undefined,
  message: string | undefined,
): PlanItem {
  return {
    action,
    nodeId,
    apiVersion: apiVersionOf({ group, version }),
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(message === undefined ? {} : { message }),
  };
}
