// A pass over a graph that may be executed: plan, watches, inventory, rights, execution, pruning, status.
import {
  describeIdentity,
  type Inventory,
  type InventoryItem,
  identityKey,
  type NamespacedName,
  type ResourceGraph,
  type ResourceGraphStatus,
} from '../../api/index.ts';
import { type GraphOwner, ObjectApplier, ObjectRemover } from '../../apply/index.ts';
import { PequodError, TerminalError } from '../../errors.ts';
import { buildPlan, isoSeconds, type NodeInput, Pass, type Plan } from '../../graph/index.ts';
import { gvkKey, isForbidden, isKindNotServed, type TenantClient } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import { DONE, REQUEUE, type Result, requeueAfter } from '../../runtime/index.ts';
import type { GraphDependencies } from './dependencies.ts';
import { execute } from './execute.ts';
import { findChildren } from './found-children.ts';
import {
  announcedKinds,
  isInventoryForeign,
  joinInventory,
  plannedObjects,
  rebuildInventory,
} from './inventory.ts';
import { isKindGone, resourceForRemoval } from './kind-gone.ts';
import { type WatchedKinds, watchKinds } from './kinds.ts';
import { Ledger } from './ledger.ts';
import { ownerOf } from './owner.ts';
import { dropAliases, isStillCurrent, prunableItems, removalProblems, removeHighestWave } from './prune.ts';
import { requireRights, requireServiceAccount } from './rights.ts';
import type { GraphSession } from './session.ts';
import { statusOfOutcome } from './status.ts';
import type { StatusWriter } from './status-writer.ts';
import { resolveTargets, type Targets } from './targets.ts';
import { findWork } from './work.ts';

export interface PassRun extends GraphDependencies {
  readonly key: NamespacedName;
  readonly graph: ResourceGraph;
  readonly session: GraphSession;
  readonly writer: StatusWriter;
  readonly log: Logger;
}

/** What the phases hand on to each other. */
interface Prepared {
  readonly owner: GraphOwner;
  readonly status: ResourceGraphStatus;
  readonly targets: Targets;
  readonly kinds: WatchedKinds;
  readonly ledger: Ledger;
  /** The inventory that has to be stored before the first write; undefined where the stored one covers it. */
  readonly dueInventory: Inventory | undefined;
  readonly inputs: ReadonlyMap<string, NodeInput>;
  readonly pass: Pass;
}

/** What is left to be removed after a pass, and when to look again. */
interface Pruning {
  readonly removing: readonly string[];
  readonly againInMs: number | undefined;
}

const NOTHING_TO_PRUNE: Pruning = { removing: [], againInMs: undefined };
/** When to look again at an object whose removal failed or was overtaken. */
const REMOVAL_RETRY_MS = 10_000;
const REMOVAL_AGAIN_MS = 250;

/** Runs the pass. @throws PequodError where the graph as a whole can't be executed. */
export async function runPass(run: PassRun, signal: AbortSignal): Promise<Result> {
  const prepared = await prepare(run, signal);
  const { pass } = prepared;
  if (pass.isOver) await requireServiceAccount(run, prepared.status, signal);
  const tenant = pass.isOver ? undefined : await start(run, prepared, signal);
  if (tenant === 'stale') return REQUEUE;
  let isSuperseded = false;
  if (tenant !== undefined) {
    isSuperseded = await runNodes(run, prepared, tenant, signal);
  }
  const pruning =
    pass.isFullyApplied && !isSuperseded ? await prune(run, prepared, signal) : NOTHING_TO_PRUNE;
  return await finish(run, prepared, pruning, signal);
}

async function prepare(run: PassRun, signal: AbortSignal): Promise<Prepared> {
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
  const inputs = findWork(plan, targets, {
    graph,
    status,
    owner,
    nowMs: run.now(),
    entryOf: (target) => ledger.get(target.identity),
    hasLeft: ({ identity }, isLeaving) => session.hasLeft(identity, isLeaving),
    nextRepairAtMs: ({ identity }) => session.repairPace.nextAtMs(identity, run.now()),
    observationOf: ({ resource, identity }) =>
      resource === undefined ? undefined : children.observation(key, resource, identity),
  });
  const pass = new Pass(plan, inputs, {
    concurrency: run.limits.graphConcurrency,
    nowMs: run.now(),
    random: run.random,
  });
  const dueInventory = joined.isWriteDue ? joined.inventory : undefined;
  return { owner, status, targets, kinds, ledger, inputs, pass, dueInventory };
}

function planOf(run: PassRun): Plan {
  const { namespace } = run.key;
  const result = buildPlan(run.graph.spec.nodes, { namespace, maxNodes: run.limits.maxNodes });
  if (result.ok) return result.plan;
  throw new TerminalError(result.problems.map(({ message }) => message).join('; '), {
    code: 'INVALID_GRAPH',
    reason: 'InvalidGraph',
  });
}

/** The tenant's client, where it exists and may do what has to be done. */
async function admit(run: PassRun, prepared: Prepared, signal: AbortSignal): Promise<TenantClient> {
  const { graph, key, session, tenancy } = run;
  try {
    const client = await tenancy.clientFor(key.namespace, graph.spec.serviceAccountName, signal);
    await requireRights(run, prepared.targets, prepared.inputs, signal);
    return client;
  } catch (error) {
    // What the nodes say about the end of objects that exist counts, also while nothing can be applied.
    const known = new Set(prepared.status.inventory?.items.map(identityKey));
    const { graphUID, items } = prepared.ledger.toInventory();
    const inventory = { graphUID, items: items.filter((item) => known.has(identityKey(item))) };
    if (known.size > 0) session.pendingStatus = { ...prepared.status, inventory };
    throw error;
  }
}

/** Rights, and the inventory before the first write. @returns the client to work with, or `stale`. */
async function start(run: PassRun, prepared: Prepared, signal: AbortSignal): Promise<TenantClient | 'stale'> {
  const { graph, session, writer } = run;
  const client = await admit(run, prepared, signal);
  if (prepared.dueInventory === undefined) return client;
  const outcome = { ...outcomeOf(prepared, []), inventory: prepared.dueInventory };
  const status = statusOfOutcome(graph, prepared.status, outcome, isoSeconds(run.now()));
  const { type } = await writer.write(graph, session, status, false, signal);
  return type === 'settled' ? client : 'stale';
}

/** @returns true where a newer version of the graph ended the pass early. */
async function runNodes(
  run: PassRun,
  prepared: Prepared,
  tenant: TenantClient,
  signal: AbortSignal,
): Promise<boolean> {
  const { key, graph, tenancy } = run;
  let isSuperseded = false;
  const onSuperseded = (listener: () => void): (() => void) =>
    run.graphs.onChange((change) => {
      if (change.key.namespace !== key.namespace || change.key.name !== key.name) return;
      const current = change.current?.metadata;
      if (current?.generation === graph.metadata.generation && current?.deletionTimestamp === undefined)
        return;
      isSuperseded = true;
      listener();
    });
  const onFailure = (error: unknown): void => {
    if (isForbidden(error)) tenancy.forget(key.namespace, graph.spec.serviceAccountName);
    if (isKindNotServed(error)) run.mapper.invalidate();
  };
  await execute(
    {
      ...prepared,
      key,
      graphId: prepared.owner.graphId,
      session: run.session,
      children: run.children,
      applier: new ObjectApplier(tenant, prepared.owner),
      unavailable: prepared.kinds.unavailable,
      now: run.now,
      log: run.log,
      recordFound: foundRecorder(run, prepared, signal),
      onFailure,
      onSuperseded,
    },
    signal,
  );
  return isSuperseded;
}

/** Writes the inventory with an entry of something found; one write at a time, since each carries all entries. */
function foundRecorder(
  run: PassRun,
  prepared: Prepared,
  signal: AbortSignal,
): (entry: InventoryItem) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const record = async (entry: InventoryItem): Promise<void> => {
    prepared.ledger.set(entry);
    run.log.info(
      { node: entry.nodeId, object: describeIdentity(entry) },
      'object was there before: it is shared, and stays',
    );
    const status = statusOfOutcome(
      run.graph,
      prepared.status,
      outcomeOf(prepared, []),
      isoSeconds(run.now()),
    );
    const { type } = await run.writer.write(run.graph, run.session, status, false, signal);
    if (type === 'settled') return;
    throw new PequodError('the graph changed while its inventory was to be written', {
      code: 'GRAPH_CHANGED',
      reason: 'Conflict',
      retry: 'backoff',
    });
  };
  return (entry) => {
    const next = last.then(() => record(entry));
    last = next.catch(() => undefined);
    return next;
  };
}

async function prune(run: PassRun, prepared: Prepared, signal: AbortSignal): Promise<Pruning> {
  const { key, graph } = run;
  dropAliases(prepared.ledger, prepared.targets);
  const items = prunableItems(prepared.ledger, prepared.targets);
  if (items.length === 0) return NOTHING_TO_PRUNE;
  if (!(await isStillCurrent(run.operator, graph, signal)))
    return { removing: [], againInMs: REMOVAL_AGAIN_MS };
  const client = run.tenancy.clientForDeletion(key.namespace, graph.spec.serviceAccountName);
  const report = await removeHighestWave(
    {
      key,
      ledger: prepared.ledger,
      remover: new ObjectRemover(client, prepared.owner),
      children: run.children,
      resourceOf: (item) => resourceForRemoval(run, item, signal),
      isKindGone: (item) => isKindGone(run, item, signal),
      isOrphaned: (item) => item.deletion === 'Orphan' || graph.spec.deletionPolicy === 'Orphan',
    },
    items,
    signal,
  );
  for (const { item, result } of report.left) {
    run.log.info({ kind: item.kind, object: item.name, result }, 'object left the graph');
  }
  const left = prunableItems(prepared.ledger, prepared.targets).length;
  const againInMs =
    report.again.length > 0 || (left > 0 && report.left.length > 0) ? REMOVAL_AGAIN_MS : REMOVAL_RETRY_MS;
  return { removing: removalProblems(report), againInMs: left === 0 ? undefined : againInMs };
}

function outcomeOf(prepared: Prepared, removing: readonly string[]): Parameters<typeof statusOfOutcome>[2] {
  const { pass, ledger } = prepared;
  return { summary: pass.summary(), nodeStatus: pass.statuses(), inventory: ledger.toInventory(), removing };
}

async function finish(
  run: PassRun,
  prepared: Prepared,
  pruning: Pruning,
  signal: AbortSignal,
): Promise<Result> {
  const { graph, session, writer } = run;
  const outcome = outcomeOf(prepared, pruning.removing);
  const status = statusOfOutcome(graph, prepared.status, outcome, isoSeconds(run.now()));
  const isProgress = outcome.summary.phase === 'Executing' || outcome.summary.phase === 'Pending';
  const written = await writer.write(graph, session, status, isProgress, signal);
  if (written.type === 'stale') return REQUEUE;
  const wakeAtMs = prepared.pass.nextWakeAtMs;
  const dueInMs = [
    ...(written.type === 'deferred' ? [written.dueInMs] : []),
    ...(wakeAtMs === undefined ? [] : [Math.max(0, wakeAtMs - run.now())]),
    ...(pruning.againInMs === undefined ? [] : [pruning.againInMs]),
  ];
  return dueInMs.length === 0 ? DONE : requeueAfter(Math.min(...dueInMs));
}
