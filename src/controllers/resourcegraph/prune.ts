// Removes what the graph no longer has. Only after every node is applied without error, and only if a live read shows
// that the plan is still the newest: nothing is deleted while anything is unknown.
import {
  describeIdentity,
  type InventoryItem,
  type NamespacedName,
  type ResourceGraph,
} from '../../api/index.ts';
import type { ObjectRemover, RemovalResult } from '../../apply/index.ts';
import { messageOf } from '../../errors.ts';
import { deletionWaves, findPrunable } from '../../graph/index.ts';
import {
  isKindNotServed,
  isNotFound,
  type OperatorClient,
  RESOURCE_GRAPHS,
  type Resource,
} from '../../kube/index.ts';
import type { Children } from './children.ts';
import type { Ledger } from './ledger.ts';
import { managedTargets, type Targets } from './targets.ts';

/** What became of one wave of entries. */
export interface RemovalReport {
  /** Entries that are still there; the watch tells when they go. */
  readonly waiting: readonly InventoryItem[];
  /** Entries whose object changed under our hands, to be looked at again soon. */
  readonly again: readonly InventoryItem[];
  /** Entries that left the inventory, and how. */
  readonly left: readonly { readonly item: InventoryItem; readonly result: RemovalResult }[];
  /** Entries whose removal failed, and why. */
  readonly failed: readonly { readonly item: InventoryItem; readonly error: unknown }[];
}

export interface RemovalRun {
  readonly key: NamespacedName;
  readonly ledger: Ledger;
  readonly remover: ObjectRemover;
  readonly children: Children;
  /** Undefined where the API server does not serve the entry's kind. */
  readonly resourceOf: (item: InventoryItem) => Promise<Resource | undefined>;
  /** Asked where the API server stops serving a kind that it served a moment ago. */
  readonly isKindGone: (item: InventoryItem) => Promise<boolean>;
  /** True where the object stays. */
  readonly isOrphaned: (item: InventoryItem) => boolean;
}

/** True where the graph is still the generation that was planned, and is not being deleted. */
export async function isStillCurrent(
  operator: OperatorClient,
  graph: ResourceGraph,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { namespace, name, uid, generation } = graph.metadata;
    const { metadata } = await operator.get(RESOURCE_GRAPHS, { namespace, name }, signal);
    return (
      metadata.uid === uid && metadata.generation === generation && metadata.deletionTimestamp === undefined
    );
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
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

/** Removes the highest wave of `items`; the lower ones have to wait until it is gone. */
export async function removeHighestWave(
  run: RemovalRun,
  items: readonly InventoryItem[],
  signal: AbortSignal,
): Promise<RemovalReport> {
  const [wave] = deletionWaves(items);
  const waiting: InventoryItem[] = [];
  const again: InventoryItem[] = [];
  const left: { item: InventoryItem; result: RemovalResult }[] = [];
  const failed: { item: InventoryItem; error: unknown }[] = [];
  const removeOne = async (item: InventoryItem): Promise<void> => {
    try {
      const result = await removeItem(run, item, signal);
      if (result === 'pending') waiting.push(item);
      else if (result === 'again') again.push(item);
      else {
        run.ledger.delete(item);
        left.push({ item, result });
      }
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ item, error });
    }
  };
  await Promise.all((wave ?? []).map(removeOne));
  return { waiting, again, left, failed };
}

async function removeItem(run: RemovalRun, item: InventoryItem, signal: AbortSignal): Promise<RemovalResult> {
  const resource = await run.resourceOf(item);
  // A kind that is not served has no objects; `resourceOf` throws where it is not sure of that.
  if (resource === undefined) return 'gone';
  const observation = run.children.observation(run.key, resource, item);
  const removal = { resource, entry: item, isOrphaned: run.isOrphaned(item), observation };
  try {
    return await run.remover.remove(removal, signal);
  } catch (error) {
    if (isKindNotServed(error) && (await run.isKindGone(item))) return 'gone';
    throw error;
  }
}

/** What is still on its way out, a line an object. */
export function removalProblems(report: RemovalReport): readonly string[] {
  const failed = report.failed.map(
    ({ item, error }) => `${describeIdentity(item)} can't be removed: ${messageOf(error, 200)}`,
  );
  const waiting = report.waiting.map((item) => `${describeIdentity(item)} is being deleted`);
  return [...failed, ...waiting];
}
