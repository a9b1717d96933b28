// The progress deadline in a graph's status: when its time began, when it is over, and what is said then.
import type { Execution, ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import { executionAfter, PROGRESS_DEADLINE_EXCEEDED, progressDeadlineOf } from '../../graph/index.ts';
import { findCondition } from '../../runtime/index.ts';
import { type ReadyState, SUSPENDED } from './status-conditions.ts';

/** The execution that is under way. The time in which a graph was suspended does not count: it begins anew. */
export function executionOf(
  graph: ResourceGraph,
  previous: ResourceGraphStatus,
  isReady: boolean,
  nowIso: string,
): Execution | undefined {
  const { renderHash } = graph.spec.metadata;
  const wasSuspended = findCondition(previous.conditions, 'Ready')?.reason === SUSPENDED;
  const known =
    wasSuspended && previous.execution !== undefined
      ? { execution: { ...previous.execution, startedAt: nowIso } }
      : previous;
  return executionAfter(known, renderHash, isReady, nowIso);
}

/** What is said of a graph that should be ready by now and is not. */
export function withinDeadline(
  graph: ResourceGraph,
  execution: Execution | undefined,
  ready: ReadyState,
  nowIso: string,
): ReadyState {
  const deadline = progressDeadlineOf(execution, graph.spec.progressDeadline);
  if (ready.isReady || deadline === undefined || Date.parse(nowIso) < deadline.atMs) return ready;
  const message = `not ready within ${deadline.text}: ${ready.message}`;
  return { isReady: false, isStalled: true, reason: PROGRESS_DEADLINE_EXCEEDED, message };
}

/** True for what {@link withinDeadline} says of a graph that is too late. */
export function isTooLate({ reason }: ReadyState): boolean {
  return reason === PROGRESS_DEADLINE_EXCEEDED;
}

/** In how many ms the graph has to be ready; undefined where it is, or where that time is over. */
export function deadlineInMs(
  graph: ResourceGraph,
  status: ResourceGraphStatus,
  nowMs: number,
): number | undefined {
  const deadline = progressDeadlineOf(status.execution, graph.spec.progressDeadline);
  if (deadline === undefined) return undefined;
  // Statuses know whole seconds.
  const dueInMs = Math.ceil(deadline.atMs / 1_000) * 1_000 - nowMs;
  return dueInMs > 0 ? dueInMs : undefined;
}
