// Decisions about the inventory: what is in it before a write, what leaves it, in which order.
//
// Invariants: before the first write of a changed graph it holds the old entries and the new ones; identity is the
// object (group, kind, namespace, name), never the id of the node; only findPrunable names what may go, and an entry
// leaves elsewhere, when its object is confirmed gone, released or abandoned.
import {
  type DeletionPolicy,
  type Inventory,
  type InventoryItem,
  identityKey,
  type ObjectIdentity,
} from '../api/index.ts';

/** An object of the graph that is about to be executed. */
export interface PlannedObject {
  readonly nodeId: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Absent for cluster-scoped objects: the scope is known by now. */
  readonly namespace?: string | undefined;
  readonly name: string;
  /** See {@link effectiveDeletion}. */
  readonly deletion: DeletionPolicy;
  readonly wave: number;
}

/**
 * Old and planned objects together; the same inventory where nothing changes. An object that moved to another node takes
 * its entry along; an object that its node no longer names keeps its entry. A new entry is only an intent: it has no uid.
 */
export function unionInventory(
  old: Inventory | undefined,
  planned: readonly PlannedObject[],
  graphUID: string,
): Inventory {
  const wanted = new Map(planned.map((object) => [identityKey(object), object]));
  let isChanged = old === undefined || old.graphUID !== graphUID;
  const items: InventoryItem[] = [];
  for (const item of old?.items ?? []) {
    const key = identityKey(item);
    const object = wanted.get(key);
    wanted.delete(key);
    const next = object === undefined ? item : refreshed(item, object);
    isChanged ||= next !== item;
    items.push(next);
  }
  for (const object of wanted.values()) items.push(newItem(object));
  if (old !== undefined && !isChanged && wanted.size === 0) return old;
  return { graphUID, items };
}

function refreshed(item: InventoryItem, object: PlannedObject): InventoryItem {
  const { nodeId, version, deletion, wave } = object;
  // What is in the graph again has to leave it anew before its grace period counts.
  const { prunableSince, ...kept } = item;
  const isSame =
    item.nodeId === nodeId &&
    item.version === version &&
    item.deletion === deletion &&
    item.wave === wave &&
    prunableSince === undefined;
  return isSame ? item : { ...kept, nodeId, version, deletion, wave };
}

function newItem(object: PlannedObject): InventoryItem {
  const { nodeId, group, version, kind, namespace, name, deletion, wave } = object;
  return {
    nodeId,
    group,
    version,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    origin: 'Created',
    deletion,
    wave,
  };
}

/** Entries whose objects the graph no longer has. Whether they may go now is not said here. */
export function findPrunable(
  inventory: Inventory | undefined,
  planned: Iterable<ObjectIdentity>,
): readonly InventoryItem[] {
  const wanted = new Set<string>();
  for (const object of planned) wanted.add(identityKey(object));
  return (inventory?.items ?? []).filter((item) => !wanted.has(identityKey(item)));
}

/**
 * The policy of an object whose inventory entry was lost. That a node said Delete of a kind that holds data is written
 * nowhere on the object, so that it stays.
 */
export function rebuiltDeletion(
  kind: { readonly group: string; readonly kind: string },
  isMarkedOrphan: boolean,
  graphPolicy: DeletionPolicy,
): DeletionPolicy {
  return isMarkedOrphan ? 'Orphan' : effectiveDeletion(kind, undefined, graphPolicy);
}

/** Entries in the order of their removal: the highest wave first, each to be gone before the next. */
export function deletionWaves(items: readonly InventoryItem[]): readonly (readonly InventoryItem[])[] {
  const byWave = new Map<number, InventoryItem[]>();
  for (const item of items) {
    const wave = byWave.get(item.wave);
    if (wave === undefined) byWave.set(item.wave, [item]);
    else wave.push(item);
  }
  return [...byWave].sort(([a], [b]) => b - a).map(([, wave]) => wave);
}

const PRECIOUS: ReadonlySet<string> = new Set([
  '/Namespace',
  '/PersistentVolume',
  '/PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
]);

/** True for kinds that hold what can't be brought back: deleted only where the node itself says so. */
export function isPrecious(kind: { readonly group: string; readonly kind: string }): boolean {
  return PRECIOUS.has(`${kind.group}/${kind.kind}`);
}

/** What happens to an object when it leaves the graph: Orphan wins wherever it is said. */
export function effectiveDeletion(
  kind: { readonly group: string; readonly kind: string },
  nodePolicy: DeletionPolicy | undefined,
  graphPolicy: DeletionPolicy,
): DeletionPolicy {
  if (nodePolicy === 'Orphan' || graphPolicy === 'Orphan') return 'Orphan';
  return isPrecious(kind) && nodePolicy !== 'Delete' ? 'Orphan' : 'Delete';
}

const POD_OWNERS: ReadonlySet<string> = new Set([
  'CronJob',
  'DaemonSet',
  'Deployment',
  'Job',
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
]);

/** Foreground for kinds that own Pods, so that gone means that the Pods are gone; else Background. Always to be sent. */
export function propagationPolicyOf(kind: string): 'Foreground' | 'Background' {
  return POD_OWNERS.has(kind) ? 'Foreground' : 'Background';
}
