// Phases before the first write: plan, kinds and confinement, watches, inventory, work.
import type {
  Inventory,
  NamespacedName,
  NodeExports,
  ResourceGraph,
  ResourceGraphStatus,
} from '../../api/index.ts';
import type { GraphOwner } from '../../apply/index.ts';
import { TerminalError } from '../../errors.ts';
import { buildPlan, isoSeconds, type NodeInput, Pass, type Plan } from '../../graph/index.ts';
import { gvkKey } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import { readMissingAnswers } from './answers.ts';
import type { GraphDependencies } from './dependencies.ts';
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
import { ownerOf } from './owner.ts';
import type { GraphSession } from './session.ts';
import { signsOf } from './signs.ts';
import { isReconcileAsked } from './status.ts';
import type { StatusWriter } from './status-writer.ts';
import { resolveTargets, type Targets } from './targets.ts';
import { findWork, isCreatedOnly } from './work.ts';

/** What a pass works with. */
export interface PassRun extends GraphDependencies {
  readonly key: NamespacedName;
  readonly graph: ResourceGraph;
  readonly session: GraphSession;
  readonly writer: StatusWriter;
  readonly log: Logger;
}

/** What the phases hand on to each other. */
export interface Prepared {
  readonly owner: GraphOwner;
  readonly status: ResourceGraphStatus;
  readonly targets: Targets;
  readonly kinds: WatchedKinds;
  readonly ledger: Ledger;
  /** The inventory that has to be stored before the first write; undefined where the stored one covers it. */
  readonly dueInventory: Inventory | undefined;
  readonly inputs: ReadonlyMap<string, NodeInput>;
  readonly pass: Pass;
  readonly plan: Plan;
  /** What the exports of a node come to now. */
  readonly exportsOf: (nodeId: string) => NodeExports | undefined;
  /** An object whose expressions changed could not be read. */
  readonly isAnswerMissing: boolean;
}

/** Finds out what there is to do. @throws PequodError where the graph as a whole can't be executed. */
export async function prepare(run: PassRun, signal: AbortSignal): Promise<Prepared> {
  const { graph, key, session, children, mapper } = run;
  const owner = ownerOf(key);
  const status = session.statusOf(graph);
  const plan = planOf(run);
  const targets = await resolveTargets(plan, graph, owner, mapper, signal);
  const isForeign = isInventoryForeign(graph, status);
  const items = isForeign ? [] : (status.inventory?.items ?? []);
  const announced = isForeign ? announcedKinds(graph) : [];
  const kinds = await watchKinds({ key, targets, items, announced, mapper, children }, signal);
  const planned = plannedObjects(targets);
  const found = { ...run, owner, problems: kinds.problems, mayPassOver: () => false };
  const old = isForeign
    ? rebuildInventory(graph, owner, await findChildren(found, signal), planned)
    : status.inventory;
  const unwatched = new Set(kinds.problems.map(({ kind }) => gvkKey(kind)));
  const joined = joinInventory(graph.status?.inventory, old, planned, graph.metadata.uid ?? '', (item) => {
    return unwatched.has(gvkKey(item)) || children.observation(key, item, item)?.uid === item.uid;
  });
  for (const item of joined.renewed) session.suspect(item);
  const ledger = new Ledger(joined.inventory);
  session.glimpses.keep([...targets.values()].filter(isCreatedOnly).map(({ identity }) => identity));
  const isAsked = isReconcileAsked(graph, status);
  if (isAsked) run.tenancy.forget(key.namespace, graph.spec.serviceAccountName);
  const isAnswerMissing = await readMissingAnswers(run, targets, ledger, signal);
  const inputs = findWork(plan, targets, {
    isAsked,
    graph,
    status,
    owner,
    nowMs: run.now(),
    signs: signsOf(run),
    entryOf: (target) => ledger.get(target.identity),
    hasLeft: ({ identity }, isLeaving) => session.hasLeft(identity, isLeaving),
    nextRepairAtMs: ({ identity }) =>
      isAsked ? undefined : session.repairPace.nextAtMs(identity, run.now()),
    earlyRetryAtMs: ({ identity }, rivals) => session.rivals.retryAtMs(identity, rivals),
    observationOf: ({ resource, identity }) =>
      resource === undefined ? undefined : children.observation(key, resource, identity),
    glimpseOf: ({ identity }) => session.glimpses.at(identity, run.now()),
  });
  const pass = new Pass(plan, inputs, {
    concurrency: run.limits.graphConcurrency,
    nowMs: run.now(),
    random: run.random,
  });
  const dueInventory = joined.isWriteDue ? joined.inventory : undefined;
  const exportsOf = exportsAt(run, { plan, targets, ledger, status }, isoSeconds(run.now()));
  return {
    owner,
    status,
    targets,
    kinds,
    ledger,
    inputs,
    pass,
    dueInventory,
    plan,
    exportsOf,
    isAnswerMissing,
  };
}

/** Looks at ledger and watches when it is asked; times are those of the pass's start, so that it says the same twice. */
function exportsAt(
  run: PassRun,
  { plan, targets, ledger, status }: Pick<Prepared, 'plan' | 'targets' | 'ledger' | 'status'>,
  nowIso: string,
): Prepared['exportsOf'] {
  return (nodeId) => {
    const node = plan.byId.get(nodeId);
    if (node?.node.exports === undefined) return undefined;
    const target = targets.get(nodeId);
    const entry = target === undefined ? undefined : ledger.get(target.identity);
    const observation =
      target?.resource === undefined
        ? undefined
        : run.children.observation(run.key, target.resource, target.identity);
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
