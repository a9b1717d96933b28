// Phase "adoption", before anything of the graph is written: which of the objects that nodes take over are there, who
// holds them, and whether it will work. What is found is recorded with the inventory that precedes the first write; the
// takeover itself comes when the node's turn comes (see execute.ts).
//
// Invariant: a failure stops the node concerned and those that depend on it, never the others.
import {
  type Inventory,
  type InventoryItem,
  identityKey,
  type NodeStatus,
  type NodeStatuses,
} from '../../api/index.ts';
import {
  type AdoptionCandidate,
  joinManagers,
  ObjectAdopter,
  ObjectApplier,
  type Observation,
} from '../../apply/index.ts';
import { INVALID_RETRY_MS, PequodError } from '../../errors.ts';
import type { AdoptionPlan, NodeInput } from '../../graph/index.ts';
import type { TenantClient } from '../../kube/index.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import { isMirrored, type NodeTarget, type Targets } from './targets.ts';

/** What a pass knows of its adoptions. */
export interface Adoptions {
  readonly plan: AdoptionPlan;
  /** Why a node can't run, by its id. */
  readonly failures: Map<string, unknown>;
  /** Who held an object that is about to be adopted, by node id. */
  readonly previousManagers: Map<string, readonly string[]>;
}

export function newAdoptions(plan: AdoptionPlan): Adoptions {
  const failures = new Map<string, unknown>();
  for (const { nodeId, message } of plan.problems) {
    if (nodeId === undefined) continue;
    const details = {
      code: 'ADOPTION_REFUSED',
      reason: 'AdoptionRefused',
      retry: { afterMs: INVALID_RETRY_MS },
    };
    failures.set(nodeId, new PequodError(message, details));
  }
  return { plan, failures, previousManagers: new Map() };
}

/** Resources that the Transform lists in vain, in one line; undefined where there are none. */
export function uselessResources({ plan }: Adoptions): string | undefined {
  const messages = plan.problems.filter(({ nodeId }) => nodeId === undefined).map(({ message }) => message);
  return messages.length === 0 ? undefined : messages.join('; ');
}

/**
 * Looks for objects to adopt and puts them into the ledger.
 * @returns true where the ledger has to be stored before the first write
 */
export async function lookForAdoptable(
  run: PassRun,
  prepared: Prepared,
  client: TenantClient,
  signal: AbortSignal,
): Promise<boolean> {
  const { owner, targets, inputs, ledger, adoptions } = prepared;
  const adopter = new ObjectAdopter(client, owner, new ObjectApplier(client, owner));
  let isFound = false;
  const lookAt = async (id: string, target: NodeTarget, input: NodeInput): Promise<void> => {
    const { resource, identity, planNode, stamped } = target;
    const entry = ledger.get(identity);
    if (resource === undefined || entry === undefined || prepared.kinds.unavailable.has(id)) return;
    const observation = run.children.observation(run.key, resource, identity);
    if (!isLookDue(input, entry, observation, run.now())) return;
    try {
      const ignoreFields = planNode.node.ignoreFields ?? [];
      const candidate = await adopter.look({ resource, stamped, ignoreFields, entry }, signal);
      if (candidate === undefined) return;
      ledger.set(candidate.entry);
      adoptions.previousManagers.set(id, managersOf(candidate, entry, input.status));
      isFound = true;
    } catch (error) {
      signal.throwIfAborted();
      adoptions.failures.set(id, error);
    }
  };
  const looks: Promise<void>[] = [];
  for (const [id, target] of targets) {
    const input = inputs.get(id);
    if (target.adoption !== 'TakeOwnership' || input === undefined || adoptions.failures.has(id)) continue;
    looks.push(lookAt(id, target, input));
  }
  await Promise.all(looks);
  return isFound;
}

/**
 * Who had the object before. A second look at one that was taken over, or let go since, no longer finds who had it
 * first: that is what the node has said ever since.
 */
function managersOf(
  { entry: { uid }, previousManagers: found, wasReleased }: AdoptionCandidate,
  entry: InventoryItem,
  { previousManagers: known = [] }: NodeStatus,
): readonly string[] {
  const isSame = entry.uid === undefined ? wasReleased : entry.uid === uid;
  return isSame ? joinManagers(known, found) : found;
}

/** Not for what is ours, for what is recorded, and for what waits for its next attempt. */
function isLookDue(
  { work, status }: NodeInput,
  entry: InventoryItem,
  observation: Observation | undefined,
  nowMs: number,
): boolean {
  if (work === 'none' || work === 'wait' || isAdoptionDue(entry)) return false;
  if (status.nextAttemptAt !== undefined && Date.parse(status.nextAttemptAt) > nowMs) return false;
  return entry.uid === undefined || entry.origin === 'Found' || observation?.uid !== entry.uid;
}

/** True for an entry whose object is recorded to be adopted, and was not yet, as far as we know. */
export function isAdoptionDue(entry: InventoryItem): boolean {
  return entry.origin === 'Adopted' && entry.sent === undefined;
}

/**
 * Entries of objects that nodes have in another way now. An adoption that was recorded, did not come about, and is not
 * wanted any more is taken back: such an object must not be deleted with the graph one day. What is only read now is
 * let go when it is pruned.
 * @returns the inventory, and the intents that replace adoptions
 */
export function alignEntries(
  inventory: Inventory,
  targets: Targets,
  isOurs: (item: InventoryItem) => boolean,
): { readonly inventory: Inventory; readonly withdrawn: readonly InventoryItem[] } {
  const byIdentity = new Map([...targets.values()].map((target) => [identityKey(target.identity), target]));
  const withdrawn: InventoryItem[] = [];
  const items = inventory.items.map((item): InventoryItem => {
    const target = byIdentity.get(identityKey(item));
    if (target === undefined || target.adoption === 'TakeOwnership') return item;
    if (isMirrored(target)) return { ...item, deletion: 'Orphan' };
    if (!isAdoptionDue(item) || isOurs(item)) return item;
    const { uid: _uid, ...intent } = item;
    const fresh: InventoryItem = { ...intent, origin: 'Created' };
    withdrawn.push(fresh);
    return fresh;
  });
  return { inventory: { ...inventory, items }, withdrawn };
}

/**
 * Node statuses with what is known of their adoption. What the ledger says counts, whatever was said before. Who had an
 * object before is remembered as long as the node may have it again: while it only reads it, and while it is about to
 * have another one in its place. An object that moves to another node takes it along.
 */
export function withAdoptions(
  statuses: NodeStatuses,
  {
    targets,
    ledger,
    adoptions,
    status: before,
  }: Pick<Prepared, 'targets' | 'ledger' | 'adoptions' | 'status'>,
): NodeStatuses {
  const formerNodes = new Map(before.inventory?.items.map((item) => [identityKey(item), item.nodeId]));
  const adopting = new Set(ledger.items().map(({ nodeId, origin }) => (origin === 'Adopted' ? nodeId : '')));
  const entries = Object.entries(statuses).map(([id, status]): [string, NodeStatus | undefined] => {
    const target = targets.get(id);
    if (status === undefined || target === undefined) return [id, status];
    const { adopted: _adopted, previousManagers, ...others } = status;
    const entry = ledger.get(target.identity);
    if (entry?.origin !== 'Adopted') {
      const isKept = isMirrored(target) || adopting.has(id);
      return [id, isKept ? withManagers(others, previousManagers) : others];
    }
    const former = formerNodes.get(identityKey(entry)) ?? id;
    const known = previousManagers ?? before.nodeStatus?.[former]?.previousManagers;
    const adopted = isAdoptionDue(entry) ? others : { ...others, adopted: true };
    return [id, withManagers(adopted, adoptions.previousManagers.get(id) ?? known)];
  });
  return Object.fromEntries(entries);
}

function withManagers(status: NodeStatus, managers: readonly string[] = []): NodeStatus {
  return managers.length === 0 ? status : { ...status, previousManagers: managers };
}
