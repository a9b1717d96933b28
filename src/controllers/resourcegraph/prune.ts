// What the graph no longer has, and whether the graph itself still stands: a live read right before the first removal
// shows that the plan is the newest, and that its nodes are as the operator wrote them.
import {
  type InventoryItem,
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  type ResourceGraph,
} from '../../api/index.ts';
import { ownersOfPointer } from '../../apply/index.ts';
import { findPrunable } from '../../graph/index.ts';
import { isNotFound, type OperatorClient, RESOURCE_GRAPHS } from '../../kube/index.ts';
import type { Ledger } from './ledger.ts';
import { managedTargets, type Targets } from './targets.ts';

/**
 * How the graph that is in the cluster stands to the one that was planned. `edited`: its nodes were last written by
 * someone else, so that a node may be missing by mistake; the Transform controller puts them right.
 */
export type Standing = 'changed' | 'current' | 'edited';

/** Asks the API server. @throws ApiError or TransportError where it does not say */
export async function standingOf(
  operator: OperatorClient,
  graph: ResourceGraph,
  signal: AbortSignal,
): Promise<Standing> {
  try {
    const { namespace, name, uid, generation } = graph.metadata;
    const live = await operator.get(RESOURCE_GRAPHS, { namespace, name }, signal);
    const { metadata } = live;
    const isPlanned =
      metadata.uid === uid && metadata.generation === generation && metadata.deletionTimestamp === undefined;
    if (!isPlanned) return 'changed';
    return hasOwnNodes(live) ? 'current' : 'edited';
  } catch (error) {
    if (isNotFound(error)) return 'changed';
    throw error;
  }
}

/** The list of nodes is owned as a whole, by who wrote it last. */
function hasOwnNodes(live: KubeObject): boolean {
  const owners = ownersOfPointer(live, '/spec/nodes');
  return owners.length > 0 && owners.every(({ manager }) => manager === OPERATOR_FIELD_MANAGER);
}

/** Entries that the plan has no node for. */
export function prunableItems(ledger: Ledger, targets: Targets): readonly InventoryItem[] {
  const planned = [...managedTargets(targets).values()].map(({ identity }) => identity);
  return findPrunable(ledger.toInventory(), planned).filter((item) => item.rebuilt !== true);
}

/**
 * Drops entries whose object the plan has under another kind: some are served in two groups, e.g. Events. To delete the
 * one would delete the other.
 */
export function dropAliases(ledger: Ledger, targets: Targets): void {
  const planned = [...targets.values()].map(({ identity }) => ledger.get(identity));
  const kept = new Set(planned);
  const uids = new Set(planned.map((entry) => entry?.uid).filter((uid) => uid !== undefined));
  for (const item of ledger.items()) {
    if (item.uid !== undefined && uids.has(item.uid) && !kept.has(item)) ledger.delete(item);
  }
}

/** Entries that the plan has no node for, and that were found again after the inventory was lost. */
export function rebuiltItems(ledger: Ledger, targets: Targets): readonly InventoryItem[] {
  const planned = [...targets.values()].map(({ identity }) => identity);
  return findPrunable(ledger.toInventory(), planned).filter((item) => item.rebuilt === true);
}
