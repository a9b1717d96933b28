// Makes a plan: what putting the candidate in the place of the running graph would do, object by object.
import type { ExecutionPlan, PlanItem, ResourceGraph } from '../../../api/index.ts';
import { gvkOf, type ResourceGraphStatus } from '../../../api/index.ts';
import { findPrunable, planAdoption } from '../../../graph/index.ts';
import { describeItems, fitItems, planHash } from '../../../planning/index.ts';
import { newAdoptions } from '../adoption.ts';
import { gvkOfItem } from '../inventory.ts';
import { Ledger } from '../ledger.ts';
import { ownerOf } from '../owner.ts';
import type { PassRun } from '../pass-prepare.ts';
import { requireRights } from '../rights.ts';
import { resolveInAnyVersion } from '../served-kind.ts';
import { managedTargets, type NodeTarget, resolveTargets } from '../targets.ts';
import { readCandidate } from './candidate.ts';
import { mapLimited } from './map-limited.ts';
import { previewNode } from './preview-node.ts';
import { previewPrune } from './preview-prune.ts';

/** A plan without what it was made from. */
export type UnbasedPlan = Pick<ExecutionPlan, 'candidate' | 'hash' | 'items' | 'renderHash'> & {
  readonly isTruncated?: boolean;
};

/** A plan, and what it comes to in words. */
export interface MadePlan {
  readonly plan: UnbasedPlan;
  readonly summary: string;
  /** See {@link isOpen}. */
  readonly isOpen: boolean;
}

/**
 * The plan of the graph's candidate, from live reads and dry-runs as the tenant.
 * @throws PequodError where there can't be one: no candidate, no rights, a graph that can't be executed
 */
export async function makePlan(
  run: PassRun,
  status: ResourceGraphStatus,
  name: string,
  policies: NonNullable<ResourceGraph['spec']['planPolicies']>,
  signal: AbortSignal,
): Promise<MadePlan> {
  const { graph, key, mapper, tenancy } = run;
  const candidate = await readCandidate(run, name, policies, signal);
  const owner = ownerOf(key);
  const adoption = planAdoption(candidate.plan, policies.adopt, key.namespace);
  const sources = { graph: candidate.graph, owner, adoption };
  const targets = await resolveTargets(candidate.plan, sources, mapper, signal);
  const client = await tenancy.clientFor(key.namespace, policies.serviceAccountName, signal);
  await requireRights({ key, graph: candidate.graph, tenancy }, managedTargets(targets), new Map(), signal);
  const isOwn = status.inventory?.graphUID === graph.metadata.uid;
  const ledger = new Ledger((isOwn ? status.inventory : undefined) ?? { graphUID: '', items: [] });
  const { failures } = newAdoptions(adoption);
  const previews = {
    client,
    owner,
    failureOf: ({ planNode }: NodeTarget) => failures.get(planNode.id),
    entryOf: ({ identity }: NodeTarget) => ledger.get(identity),
    observationOf: ({ resource, identity }: NodeTarget) =>
      resource === undefined ? undefined : run.children.observation(key, resource, identity),
  };
  const nodes = await mapLimited(candidate.plan.order, run.limits.graphConcurrency, async (node) => {
    const target = targets.get(node.id);
    return target === undefined ? pendingItem(node) : await previewNode(previews, target, signal);
  });
  const identities = [...targets.values()].map(({ identity }) => identity);
  const dropped = findPrunable(ledger.toInventory(), identities).filter((item) => item.rebuilt !== true);
  const pruning = {
    client,
    owner,
    nowMs: run.now(),
    deletionPolicy: policies.deletionPolicy,
    resourceOf: (item: (typeof dropped)[number], inner: AbortSignal) =>
      resolveInAnyVersion(mapper, gvkOfItem(item), inner),
  };
  const pruned = await mapLimited(dropped, run.limits.graphConcurrency, (item) =>
    previewPrune(pruning, item, signal),
  );
  const items = [...nodes, ...pruned.filter((item) => item !== undefined)];
  const { renderHash } = candidate.graph.spec.metadata;
  const hash = planHash({
    candidateHash: renderHash,
    policies,
    runningHash: graph.spec.metadata.renderHash,
    effects: items.map(({ action, uid, ...item }) => ({
      action,
      uid,
      identity: { group: gvkOf(item).group, kind: item.kind, namespace: item.namespace, name: item.name },
    })),
  });
  const fitted = fitItems(items);
  return {
    plan: {
      hash,
      candidate: name,
      renderHash,
      items: fitted.items,
      ...(fitted.isTruncated ? { isTruncated: true } : {}),
    },
    summary: describeItems(items),
    isOpen: isOpen(items),
  };
}

/** True where time alone may change a plan: something is refused, or waits for what no watch tells of. */
export function isOpen(items: readonly PlanItem[]): boolean {
  return items.some(({ action, name }) => action === 'Error' || (action === 'Wait' && name !== ''));
}

function pendingItem({
  id,
  node,
}: {
  readonly id: string;
  readonly node: { readonly waitsFor?: readonly string[] };
}): PlanItem {
  const values = (node.waitsFor ?? []).join(', ');
  const message = `waits for ${values}; nothing is pruned before it is known`;
  return { action: 'Wait', nodeId: id, apiVersion: 'unknown', kind: 'Unknown', name: '', message };
}
