// The inventory before anything is written: taken from status, or rebuilt where it is not this graph's own; then joined
// with what the plan is about to create.
//
// Invariant: an object is named in the stored inventory before the first write to it.
import {
  APPLYSET_KINDS_ANNOTATION,
  apiVersionOf,
  DELETION_ANNOTATION,
  type GroupVersionKind,
  gvkOf,
  type Inventory,
  type InventoryItem,
  identityKey,
  isResolvedNode,
  NODE_ANNOTATION,
  type ResourceGraph,
  type ResourceGraphStatus,
} from '../../api/index.ts';
import { type GraphOwner, markedOrigin, type Observation } from '../../apply/index.ts';
import { type PlannedObject, rebuiltDeletion, unionInventory } from '../../graph/index.ts';
import type { Resource } from '../../kube/index.ts';
import type { NodeTarget, Targets } from './targets.ts';

/** An object of ours that a watch sees. */
export interface ObservedChild {
  readonly resource: Resource;
  readonly observation: Observation;
}

/** True where the stored inventory can't be relied on: new graph, status wiped, restored from a backup. */
export function isInventoryForeign(graph: ResourceGraph, status: ResourceGraphStatus): boolean {
  return status.inventory?.graphUID !== graph.metadata.uid;
}

/** A kind whose version is not known. */
interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** Kinds that the graph may have objects of: those of its nodes, and what it announces itself, as `Deployment.apps`. */
export function announcedKinds(graph: ResourceGraph): readonly GroupKind[] {
  const kinds = new Map<string, GroupKind>();
  const add = ({ group, kind }: GroupKind): void => {
    kinds.set(`${group}/${kind}`, { group, kind });
  };
  for (const { object } of graph.spec.nodes.filter(isResolvedNode)) add(gvkOf(object));
  const text = graph.metadata.annotations?.[APPLYSET_KINDS_ANNOTATION] ?? '';
  for (const part of text.split(',').filter((each) => each !== '')) {
    const dot = part.indexOf('.');
    add(dot < 0 ? { group: '', kind: part } : { group: part.slice(dot + 1), kind: part.slice(0, dot) });
  }
  return [...kinds.values()];
}

/**
 * An inventory made from what the watches see: objects that carry our label and our Apply entry. What the graph does
 * not have is kept and marked, so that it goes only with the Transform.
 */
export function rebuildInventory(
  graph: ResourceGraph,
  owner: GraphOwner,
  children: readonly ObservedChild[],
  planned: readonly PlannedObject[],
): Inventory {
  const wanted = new Set(planned.map(identityKey));
  const lastWave = Math.max(0, ...planned.map(({ wave }) => wave));
  const items = children
    .filter(({ observation }) => observation.owned[owner.manager] !== undefined)
    .map(({ resource, observation }) => rebuiltItem(graph, resource, observation, lastWave))
    .map((item) => (wanted.has(identityKey(item)) ? item : { ...item, rebuilt: true }));
  return { graphUID: graph.metadata.uid ?? '', items };
}

/** Entries for objects that are ours and that the inventory lacks, as after an edit of the status. */
export function forgottenItems(
  graph: ResourceGraph,
  owner: GraphOwner,
  children: readonly ObservedChild[],
  items: readonly InventoryItem[],
): readonly InventoryItem[] {
  const known = new Set(items.map(identityKey));
  // Some kinds are served in two groups: the same object under another name is none that was forgotten.
  const uids = new Set(items.map(({ uid }) => uid));
  const found = rebuildInventory(graph, owner, children, []).items;
  return found.filter((item) => !known.has(identityKey(item)) && !uids.has(item.uid));
}

function rebuiltItem(
  graph: ResourceGraph,
  resource: Resource,
  observation: Observation,
  wave: number,
): InventoryItem {
  const { annotations } = observation;
  return {
    nodeId: annotations[NODE_ANNOTATION] ?? '',
    group: resource.group,
    version: resource.version,
    kind: resource.kind,
    ...(observation.namespace === undefined ? {} : { namespace: observation.namespace }),
    name: observation.name,
    uid: observation.uid,
    origin: markedOrigin(annotations),
    deletion: rebuiltDeletion(
      resource,
      annotations[DELETION_ANNOTATION] === 'Orphan',
      graph.spec.deletionPolicy,
    ),
    wave,
  };
}

/** The objects that the plan is about. */
export function plannedObjects(targets: Targets): readonly PlannedObject[] {
  return [...targets.values()].map(plannedObject);
}

function plannedObject({ identity, planNode, deletion }: NodeTarget): PlannedObject {
  return {
    nodeId: planNode.id,
    group: identity.group,
    version: gvkOf(planNode.object).version,
    kind: identity.kind,
    namespace: identity.namespace,
    name: identity.name,
    deletion,
    wave: planNode.wave,
  };
}

/** The entry of a node that the inventory does not have yet. */
export function intentOf(target: NodeTarget): InventoryItem {
  const { namespace, ...planned } = plannedObject(target);
  return { ...planned, ...(namespace === undefined ? {} : { namespace }), origin: 'Created' };
}

export interface InventoryPlan {
  readonly inventory: Inventory;
  /** True where it must be in the cluster before anything is applied: an intent in it is new. */
  readonly isWriteDue: boolean;
  /** Intents that replace an entry whose object is gone: what has the name now is looked at first. */
  readonly renewed: readonly InventoryItem[];
}

/**
 * Old ∪ new. An entry of something that we found, and that is gone, does not cover what we create in its place: it is
 * replaced by an intent of its own. What we never came to write to carries no label of ours, so that no watch shows it:
 * its entry stays.
 * @param isLive false only where a watch of the entry's kind shows that its object is gone
 */
export function joinInventory(
  stored: Inventory | undefined,
  old: Inventory | undefined,
  planned: readonly PlannedObject[],
  graphUID: string,
  isLive: (item: InventoryItem) => boolean,
): InventoryPlan {
  const wanted = new Set(planned.map(identityKey));
  const renewed: InventoryItem[] = [];
  const refresh = (item: InventoryItem): InventoryItem => {
    if (!wanted.has(identityKey(item))) return item;
    const { rebuilt: _rebuilt, ...kept } = item;
    const mayBeGone = item.origin === 'Found' && item.uid !== undefined && item.sent !== undefined;
    if (!mayBeGone || isLive(item)) return item.rebuilt === true ? kept : item;
    const { uid: _uid, sent: _sent, owned: _owned, ownedPaths: _ownedPaths, ...intent } = kept;
    const fresh: InventoryItem = { ...intent, origin: 'Created' };
    renewed.push(fresh);
    return fresh;
  };
  const union = unionInventory(old, planned, graphUID);
  const inventory = { graphUID, items: union.items.map(refresh) };
  const covered = new Set(stored?.items.map(identityKey));
  const isWriteDue =
    stored?.graphUID !== graphUID ||
    renewed.length > 0 ||
    inventory.items.some((item) => !covered.has(identityKey(item)));
  return { inventory, isWriteDue, renewed };
}

/** How an entry's kind is asked for. */
export function gvkOfItem(item: InventoryItem): GroupVersionKind {
  return { group: item.group, version: item.version, kind: item.kind };
}

/** `apps/v1 Deployment`, for messages about kinds. */
export function describeKind(kind: GroupVersionKind): string {
  return `${apiVersionOf(kind)} ${kind.kind}`;
}
