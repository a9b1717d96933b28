// What a graph says about itself. Ready is computed only from node states of the current graph (its renderHash), never
// from an earlier one; whatever is not ready names an object, why, and since when.
import {
  type GraphPhase,
  type Inventory,
  type KubeObject,
  type NodeStatus,
  type NodeStatuses,
  RECONCILE_ANNOTATION,
  type ResourceGraph,
  type ResourceGraphStatus,
} from '../../api/index.ts';
import { InvalidObjectError, messageOf, type PequodError } from '../../errors.ts';
import { type GraphSummary, withSetbacks } from '../../graph/index.ts';
import { findCondition, removeCondition, setCondition } from '../../runtime/index.ts';
import type { OpenDrift } from './drift.ts';
import type { Pruning } from './pass-prune.ts';
import { withPruned } from './pruned-condition.ts';
import {
  conditionsOf,
  describeDrifts,
  type ReadyState,
  SUSPENDED,
  withDriftDetected,
} from './status-conditions.ts';
import { withHealth } from './status-health.ts';
import { executionOf, isTooLate, withinDeadline } from './status-progress.ts';

/** Failures that pass by themselves: they are reported, but nobody needs to do anything. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'ApiServerUnavailable',
  'TooManyRequests',
  'Conflict',
  'InternalError',
]);

export interface Outcome {
  readonly summary: GraphSummary;
  readonly nodeStatus: NodeStatuses;
  readonly inventory: Inventory;
  /** Undefined where the pass has not come to it. */
  readonly pruning: Pick<Pruning, 'pruned' | 'removing'> | undefined;
  /** Resources that the Transform wants adopted and that can't be any node's, in words. */
  readonly unadoptable?: string | undefined;
  /** What others changed and the pass left so; undefined where it is not over. */
  readonly drifts?: readonly OpenDrift[] | undefined;
}

/** The status after a pass over the nodes. */
export function statusOfOutcome(
  graph: ResourceGraph,
  previous: ResourceGraphStatus,
  outcome: Outcome,
  nowIso: string,
): ResourceGraphStatus {
  const { summary, inventory, pruning, unadoptable } = outcome;
  const { blockedBy: _blockedBy, execution: _execution, ...kept } = previous;
  const { renderHash } = graph.spec.metadata;
  const removing = pruning?.removing ?? [];
  const blockedBy = summary.blockedBy ?? unadoptable ?? removing[0];
  const isComplete = summary.phase === 'Ready';
  const execution = executionOf(graph, previous, isComplete, nowIso);
  const ready = withinDeadline(graph, execution, readyOf(outcome), nowIso);
  const said = conditionsOf(graph, previous.conditions, ready, removing, nowIso);
  const conditions =
    outcome.drifts === undefined ? said : withDriftDetected(graph, said, outcome.drifts, nowIso);
  const nodeStatus = withSetbacks(previous.nodeStatus, outcome.nodeStatus, execution, Date.parse(nowIso));
  const status: ResourceGraphStatus = {
    ...kept,
    observedGeneration: graph.metadata.generation ?? 0,
    executedHash: renderHash,
    ...(summary.phase === 'Ready' ? readyRevisionOf(graph) : {}),
    ...(execution === undefined ? {} : { execution }),
    phase: isTooLate(ready) || (isComplete && !ready.isReady) ? 'Failed' : summary.phase,
    nodeStatus,
    inventory,
    ...(blockedBy === undefined ? {} : { blockedBy }),
    conditions: pruning === undefined ? conditions : withPruned(graph, conditions, pruning.pruned, nowIso),
  };
  return withHealth(graph, previous, { summary, execution, status }, nowIso);
}

function readyRevisionOf({ spec }: ResourceGraph): Pick<ResourceGraphStatus, 'readyRevision'> {
  const { revision } = spec.metadata;
  return revision === undefined ? {} : { readyRevision: revision };
}

/** The status where the graph as a whole can't be executed. What is known of its nodes stays. */
export function statusOfProblem(
  graph: ResourceGraph,
  previous: ResourceGraphStatus,
  error: PequodError,
  nowIso: string,
): ResourceGraphStatus {
  const message = messageOf(error, 1024);
  const idle: GraphPhase =
    previous.phase === undefined || previous.phase === 'Pending' ? 'Pending' : 'Executing';
  const isStalled = error.retry === 'never' || error instanceof InvalidObjectError;
  const { execution: _execution, ...kept } = previous;
  const execution = executionOf(graph, previous, false, nowIso);
  const found: ReadyState = { isReady: false, isStalled, reason: error.reason, message };
  const ready = withinDeadline(graph, execution, found, nowIso);
  return {
    ...kept,
    ...handledReconcile(graph),
    observedGeneration: graph.metadata.generation ?? 0,
    ...(execution === undefined ? {} : { execution }),
    phase: ready.isStalled ? 'Failed' : idle,
    blockedBy: messageOf(error),
    conditions: conditionsOf(graph, previous.conditions, ready, [], nowIso),
  };
}

/** The status while nothing is done: what was said of the nodes stands, Ready keeps what it said and says why. */
export function statusOfSuspended(
  graph: ResourceGraph,
  previous: ResourceGraphStatus,
  nowIso: string,
): ResourceGraphStatus {
  const isReady = findCondition(previous.conditions, 'Ready')?.status === 'True';
  const message = 'suspended: nothing is applied, repaired or removed';
  const conditions = setCondition(
    previous.conditions,
    {
      type: 'Ready',
      status: isReady ? 'True' : 'False',
      reason: SUSPENDED,
      message,
      observedGeneration: graph.metadata.generation,
    },
    nowIso,
  );
  return {
    ...previous,
    ...handledReconcile(graph),
    observedGeneration: graph.metadata.generation ?? 0,
    conditions: removeCondition(removeCondition(conditions, 'Reconciling'), 'Stalled'),
  };
}

/** Says that a reconcile that was asked for is over. */
export function handledReconcile(graph: ResourceGraph): Pick<ResourceGraphStatus, 'lastHandledReconcileAt'> {
  const token = graph.metadata.annotations?.[RECONCILE_ANNOTATION];
  return token === undefined ? {} : { lastHandledReconcileAt: token };
}

/** True where somebody asked for a run of this graph that has not been yet: what waits for its time is tried at once. */
export function isReconcileAsked(graph: ResourceGraph, status: ResourceGraphStatus): boolean {
  const token = graph.metadata.annotations?.[RECONCILE_ANNOTATION];
  return token !== undefined && token !== status.lastHandledReconcileAt;
}

/** The conditions of a graph of which nothing can be relied on, not even its status. */
export function statusOfUndecodable(
  stored: KubeObject,
  error: PequodError,
  nowIso: string,
): ResourceGraphStatus {
  const ready: ReadyState = {
    isReady: false,
    isStalled: true,
    reason: error.reason,
    message: messageOf(error, 1024),
  };
  return { conditions: conditionsOf(stored, undefined, ready, [], nowIso) };
}

function readyOf({ summary, nodeStatus, unadoptable, drifts = [] }: Outcome): ReadyState {
  const { counts } = summary;
  const total = counts.Pending + counts.Applied + counts.Ready + counts.Error;
  const progress = `${counts.Ready} of ${total} nodes are ready`;
  if (summary.phase === 'Ready' && unadoptable !== undefined) {
    const message = messageOf(`${progress}; ${unadoptable}`, 1024);
    return { isReady: false, isStalled: true, reason: 'AdoptionRefused', message };
  }
  if (summary.phase === 'Ready') {
    const message = drifts.length === 0 ? progress : `${progress}; drift: ${describeDrifts(drifts)}`;
    return { isReady: true, isStalled: false, reason: 'Ready', message };
  }
  const message = summary.blockedBy === undefined ? progress : `${progress}; ${summary.blockedBy}`;
  const blocker = nodeStatus[summary.blockedByNodeId ?? ''];
  if (summary.phase !== 'Failed')
    return { isReady: false, isStalled: false, reason: waitOf(blocker), message };
  const reason = blocker?.reason ?? 'NodeFailed';
  return { isReady: false, isStalled: !TRANSIENT.has(reason), reason, message };
}

/** What a graph that goes on is about: progress, or where nothing but an attempt's next time is awaited, what it needs. */
function waitOf(blocker: NodeStatus | undefined): string {
  const { phase, attempts, reason = 'Progressing' } = blocker ?? {};
  return phase === 'Pending' && attempts !== undefined && !TRANSIENT.has(reason) ? reason : 'Progressing';
}

/** The status of a graph that is being deleted: what is left, and what it waits for. */
export function statusOfRemoval(
  graph: ResourceGraph,
  previous: ResourceGraphStatus,
  inventory: Inventory | undefined,
  lines: readonly string[],
  nowIso: string,
): ResourceGraphStatus {
  const message = lines.length === 0 ? `${inventory?.items.length ?? 0} objects are left` : lines.join('; ');
  const ready: ReadyState = { isReady: false, isStalled: false, reason: 'Deleting', message };
  const { blockedBy: _blockedBy, ...kept } = previous;
  return {
    ...kept,
    ...(inventory === undefined ? {} : { inventory }),
    ...(lines[0] === undefined ? {} : { blockedBy: lines[0] }),
    conditions: conditionsOf(graph, previous.conditions, ready, [], nowIso),
  };
}
