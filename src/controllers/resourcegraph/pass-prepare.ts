// Phases before the first write: plan, kinds and confinement, watches, inventory, work.
import type { NamespacedName, NodeExports, ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import type { GraphOwner } from '../../apply/index.ts';
import { TerminalError } from '../../errors.ts';
import { buildPlan, isoSeconds, type NodeInput, Pass, type Plan, planAdoption } from '../../graph/index.ts';
import { gvkKey } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { Aside } from '../../runtime/index.ts';
import { type Adoptions, alignEntries, newAdoptions } from './adoption.ts';
import { readMissingAnswers } from './answers.ts';
import type { GraphDependencies } from './dependencies.ts';
import { lookAtDrifts } from './drift-look.ts';
import { publishExports } from './exports.ts';
import { findChildren } from './found-children.ts';
import {
  announcedKinds,
  isInventoryForeign,
  joinInventory,
  plannedObjects,
  rebuildInventory,
} from './inventory.ts';
import { type WatchedKinds, watchKinds } from './kinds.ts';
import { Ledger } from './ledger.ts';
import { viewMirrors } from './mirror-views.ts';
import type { MirrorView } from './mirrors.ts';
import { ownerOf } from './owner.ts';
import type { GraphSession } from './session.ts';
import { signsOf } from './signs.ts';
import { isReconcileAsked } from './status.ts';
import type { StatusWriter } from './status-writer.ts';
import { isMirrored, managedTargets, resolveTargets, type Targets } from './targets.ts';
import { findWork, isCreatedOnly, repairedNodes } from './work.ts';

/** What a pass works with. */
export interface PassRun extends GraphDependencies {
  readonly key: NamespacedName;
  readonly graph: ResourceGraph;
  readonly session: GraphSession;
  readonly writer: StatusWriter;
  readonly log: Logger;
  readonly aside: Aside;
}

/** What the phases hand on to each other. */
export interface Prepared {
  readonly owner: GraphOwner;
  readonly status: ResourceGraphStatus;
  readonly targets: Targets;
  readonly kinds: WatchedKinds;
  readonly ledger: Ledger;
  /** The inventory has to be stored before the first write: the stored one does not cover it. */
  readonly isInventoryDue: boolean;
  readonly inputs: ReadonlyMap<string, NodeInput>;
  readonly pass: Pass;
  readonly plan: Plan;
  /** What the exports of a node come to now. */
  readonly exportsOf: (nodeId: string) => NodeExports | undefined;
  /** An object whose expressions changed could not be read. */
  readonly isAnswerMissing: boolean;
  readonly adoptions: Adoptions;
  /** Nodes whose objects are not as they were applied. */
  readonly drifted: ReadonlySet<string>;
}

/** Finds out what there is to do. @throws PequodError where the graph as a whole can't be executed. */
export async function prepare(run: PassRun, signal: AbortSignal): Promise<Prepared> {
  const { graph, key, session, children, mapper } = run;
  const owner = ownerOf(key);
  const status = session.statusOf(graph);
  const plan = planOf(run);
  const adoptions = newAdoptions(planAdoption(plan, graph.spec.adopt, key.namespace));
  const targets = await resolveTargets(plan, { graph, owner, adoption: adoptions.plan }, mapper, signal);
  const managed = managedTargets(targets);
  const mirrorViews = await run.aside(viewMirrors(run, targets, signal));
  const isForeign = isInventoryForeign(graph, status);
  const items = isForeign ? [] : (status.inventory?.items ?? []);
  const announced = isForeign ? announcedKinds(graph) : [];
  const request = { key, targets: managed, items, announced, mapper, children, aside: run.aside };
  const kinds = await watchKinds(request, signal);
  const planned = plannedObjects(managed);
  const found = { ...run, owner, problems: kinds.problems, mayPassOver: () => false };
  const old = isForeign
    ? rebuildInventory(graph, owner, await findChildren(found, signal), planned)
    : status.inventory;
  const unwatched = new Set(kinds.problems.map(({ kind }) => gvkKey(kind)));
  const joined = joinInventory(graph.status?.inventory, old, planned, graph.metadata.uid ?? '', (item) => {
    return unwatched.has(gvkKey(item)) || children.observation(key, item, item)?.uid === item.uid;
  });
  for (const item of joined.renewed) session.suspect(item);
  const { inventory, withdrawn } = alignEntries(
    joined.inventory,
    targets,
    (item) => children.observation(key, item, item)?.owned[owner.manager] !== undefined,
  );
  for (const item of withdrawn) session.suspect(item);
  const ledger = new Ledger(inventory);
  session.glimpses.keep([...targets.values()].filter(isCreatedOnly).map(({ identity }) => identity));
  const isAsked = isReconcileAsked(graph, status);
  if (isAsked) run.tenancy.forget(key.namespace, graph.spec.serviceAccountName);
  const isAnswerMissing = await readMissingAnswers(run, targets, ledger, signal);
  session.drift.keepRepairs(() => [...targets.values()].map(({ identity }) => identity));
  const left = await lookAtDrifts(run, { owner, status, targets: managed, ledger }, signal);
  const inputs = findWork(plan, targets, {
    isAsked,
    graph,
    status,
    owner,
    nowMs: run.now(),
    signs: signsOf(run),
    entryOf: (target) => ledger.get(target.identity),
    hasLeft: ({ identity }, isLeaving) => session.hasLeft(identity, isLeaving),
    isSchemaChanged: session.schemas.take(),
    nextRepairAtMs: ({ identity }) =>
      isAsked ? undefined : session.repairPace.nextAtMs(identity, run.now()),
    earlyRetryAtMs: ({ identity }, rivals) => session.rivals.retryAtMs(identity, rivals),
    mirrorOf: ({ planNode }) => mirrorViews.get(planNode.id),
    observationOf: ({ resource, identity }) =>
      resource === undefined ? undefined : children.observation(key, resource, identity),
    glimpseOf: ({ identity }) =>
      session.glimpses.at(identity, run.now()) ?? session.drift.glimpseOf(identity, run.now()),
  });
  const pass = new Pass(plan, inputs, {
    concurrency: run.limits.graphConcurrency,
    nowMs: run.now(),
    random: run.random,
  });
  const isInventoryDue = joined.isWriteDue || withdrawn.length > 0;
  const exportsOf = exportsAt(run, { plan, targets, ledger, status, mirrorViews }, isoSeconds(run.now()));
  return {
    owner,
    status,
    targets,
    kinds,
    ledger,
    inputs,
    pass,
    isInventoryDue,
    adoptions,
    plan,
    exportsOf,
    isAnswerMissing,
    drifted: new Set([...left, ...repairedNodes(targets, inputs)]),
  };
}

type ExportSources = Pick<Prepared, 'plan' | 'targets' | 'ledger' | 'status'> & {
  readonly mirrorViews: ReadonlyMap<string, MirrorView>;
};

/** Looks at ledger and watches when it is asked; times are those of the pass's start, so that it says the same twice. */
function exportsAt(
  run: PassRun,
  { plan, targets, ledger, status, mirrorViews }: ExportSources,
  nowIso: string,
): Prepared['exportsOf'] {
  return (nodeId) => {
    const node = plan.byId.get(nodeId);
    if (node?.node.exports === undefined) return undefined;
    const target = targets.get(nodeId);
    if (target !== undefined && isMirrored(target)) {
      const observation = mirrorViews.get(nodeId)?.observation;
      return publishExports(
        node,
        status.nodeStatus?.[nodeId]?.exports,
        { uid: observation?.uid, observation },
        nowIso,
      );
    }
    const entry = target === undefined ? undefined : ledger.get(target.identity);
    const observation =
      target?.resource === undefined
        ? undefined
        : (run.children.observation(run.key, target.resource, target.identity) ??
          run.session.glimpses.last(target.identity));
    const producer = { uid: entry?.uid, observation };
    return publishExports(node, status.nodeStatus?.[nodeId]?.exports, producer, nowIso);
  };
}

function planOf(run: PassRun): Plan {
  const { namespace } = run.key;
  const result = buildPlan(run.graph.spec.nodes, {
    namespace,
    maxNodes: run.limits.maxNodes,
    checkExpression: (text, wanted) => run.interests.checkExpression(text, wanted),
  });
  if (result.ok) return result.plan;
  throw new TerminalError(result.problems.map(({ message }) => message).join('; '), {
    code: 'INVALID_GRAPH',
    reason: 'InvalidGraph',
  });
}
