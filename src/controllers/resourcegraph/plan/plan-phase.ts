// Phase "plan": while a candidate is to be planned, says in the status what executing it would do. It comes after the
// running graph's own pass and writes nothing but status.
//
// How a plan comes to be executed, across both controllers. Each step is one guarded write, so that a crash between two
// of them repeats a step or goes on with the next, and never executes twice or loses an approval:
//   1. Transform: stores the candidate, and names it and its policies in the graph (`planRevision`, `planPolicies`).
//   2. Graph: makes the plan and puts it, with its hash, in its status.
//   3. Transform: an approval that names this hash goes into the graph (`approvedPlan`); then it is taken off the
//      Transform. From here on the source is not asked and no other candidate is stored.
//   4. Graph: `approvedPlan` is a change of the graph, so the plan is made once more, from live reads. The same hash is
//      confirmed in the status (`isConfirmed`); another one is `PlanOutdated`. Either way nothing was written yet.
//   5. Transform: puts the confirmed candidate in the graph's place, in one write that carries the resourceVersion of
//      the graph whose status confirms it; or takes an outdated approval out of the graph.
// What happens between 4 and the writes to objects is caught by those writes: each carries the uid that was judged.
import { decodeResourceGraph } from '../../../api/crd/index.ts';
import type { Condition, ExecutionPlan, KubeObject, ResourceGraphStatus } from '../../../api/index.ts';
import { longestDelayMs, messageOf, PequodError } from '../../../errors.ts';
import { isoSeconds } from '../../../graph/index.ts';
import { isNamespaceTerminating } from '../../../kube/index.ts';
import {
  DONE,
  findCondition,
  REQUEUE,
  type Result,
  removeCondition,
  requeueAfter,
  setCondition,
} from '../../../runtime/index.ts';
import type { PassRun } from '../pass-prepare.ts';
import { basisOf, snapshotOf } from './basis.ts';
import { isOpen, makePlan } from './make-plan.ts';

/** Shortest time between two plans of one candidate: objects that keep changing don't make a stream of dry-runs. */
const MIN_INTERVAL_MS = 5_000;
/** When a plan that something is wrong with is made again. */
const OPEN_RETRY_MS = 60_000;
/** The latest that a plan which can't be made is tried again. */
const SLOW_RETRY_MS = 5 * 60_000;

/** Brings the plan in the status up to date. @throws what passes by itself */
export async function planCandidate(run: PassRun, signal: AbortSignal): Promise<Result> {
  const { planRevision, planPolicies } = run.graph.spec;
  const isPlanned = planRevision !== undefined && planPolicies !== undefined;
  if (!isPlanned && findCondition(run.graph.status?.conditions, 'Planned') === undefined) return DONE;
  const status = newestStatus(run);
  // A newer version of the graph is on its way to the queue.
  if (status === undefined) return DONE;
  if (!isPlanned) return await write(run, withoutPlan(status), DONE, signal);
  const snapshot = snapshotOf(run, status);
  const dueInMs = dueIn(run, status, basisOf(run, snapshot, status.plan));
  if (dueInMs === undefined) return DONE;
  if (dueInMs > 0) return requeueAfter(dueInMs);
  try {
    const made = await makePlan(run, status, planRevision, planPolicies, signal);
    const basis = basisOf(run, snapshot, made.plan);
    const isConfirmed = made.plan.hash === run.graph.spec.approvedPlan;
    const plan: ExecutionPlan = { ...made.plan, basis, ...(isConfirmed ? { isConfirmed } : {}) };
    const result = remember(run, basis, made.isOpen ? OPEN_RETRY_MS : undefined);
    return await write(run, withVerdict(run, { ...status, plan }, status, made.summary), result, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isNamespaceTerminating(error)) return DONE;
    if (!(error instanceof PequodError) || error.retry === 'backoff') throw error;
    const retryMs = error.retry === 'never' ? SLOW_RETRY_MS : longestDelayMs(error.retry);
    const result = remember(run, basisOf(run, snapshot, undefined), retryMs);
    return await write(run, withProblem(run, status, error), result, signal);
  }
}

/** The status after this pass's own writes; undefined where the graph is another by now. */
function newestStatus({ graph, graphs, key, session }: PassRun): ResourceGraphStatus | undefined {
  const stored = graphs.get(key.namespace, key.name);
  const decoded = stored === undefined ? undefined : decodeResourceGraph(stored);
  if (decoded?.ok !== true) return undefined;
  const { uid, generation } = decoded.value.metadata;
  if (uid !== graph.metadata.uid || generation !== graph.metadata.generation) return undefined;
  return session.statusOf(decoded.value);
}

function remember({ session, now }: PassRun, basis: string, retryMs: number | undefined): Result {
  const atMs = now();
  session.planned = { basis, atMs, dueAtMs: retryMs === undefined ? undefined : atMs + retryMs };
  return retryMs === undefined ? DONE : requeueAfter(retryMs);
}

/** In how many milliseconds a plan is to be made; undefined while the one that is there stands. */
function dueIn(
  { graph, session, now }: PassRun,
  { plan, conditions }: ResourceGraphStatus,
  basis: string,
): number | undefined {
  const seenGeneration = findCondition(conditions, 'Planned')?.observedGeneration;
  if (seenGeneration !== graph.metadata.generation) return 0;
  const { planned } = session;
  if (planned === undefined) return plan?.basis === basis && !isOpen(plan.items) ? undefined : 0;
  const nowMs = now();
  if (planned.dueAtMs !== undefined && nowMs >= planned.dueAtMs) return 0;
  if (planned.basis !== basis) return Math.max(0, planned.atMs + MIN_INTERVAL_MS - nowMs);
  return planned.dueAtMs === undefined ? undefined : planned.dueAtMs - nowMs;
}

function withoutPlan({ plan: _plan, ...status }: ResourceGraphStatus): ResourceGraphStatus {
  if (findCondition(status.conditions, 'Planned') === undefined) return status;
  return { ...status, conditions: removeCondition(status.conditions, 'Planned') };
}

/** Says what the plan comes to; of an approval that it no longer fits, that nothing was done. */
function withVerdict(
  run: PassRun,
  planned: ResourceGraphStatus,
  previous: ResourceGraphStatus,
  summary: string,
): ResourceGraphStatus {
  const hash = planned.plan?.hash ?? '';
  const { approvedPlan } = run.graph.spec;
  if (approvedPlan !== undefined && approvedPlan !== hash) {
    const message = `nothing was done: plan ${approvedPlan} was approved, but by now it is ${hash}: ${summary}`;
    return withCondition(run, planned, { status: 'False', reason: 'PlanOutdated', message });
  }
  const before = findCondition(previous.conditions, 'Planned');
  const isStillOutdated = before?.reason === 'PlanOutdated' && previous.plan?.hash === hash;
  if (isStillOutdated && approvedPlan === undefined)
    return withCondition(run, planned, { ...before, status: 'False' });
  return withCondition(run, planned, { status: 'True', reason: 'Planned', message: summary });
}

/** There is no plan, and so nothing that could be approved. */
function withProblem(run: PassRun, status: ResourceGraphStatus, error: PequodError): ResourceGraphStatus {
  const { plan: _plan, ...rest } = status;
  const message = messageOf(error, 1024);
  return withCondition(run, rest, { status: 'False', reason: error.reason, message });
}

function withCondition(
  { graph, now }: PassRun,
  status: ResourceGraphStatus,
  { status: value, reason, message }: Pick<Condition, 'message' | 'reason' | 'status'>,
): ResourceGraphStatus {
  const input = { type: 'Planned', status: value, reason, message } as const;
  const observedGeneration = graph.metadata.generation;
  return {
    ...status,
    conditions: setCondition(status.conditions, { ...input, observedGeneration }, isoSeconds(now())),
  };
}

async function write(
  { graph, session, writer }: PassRun,
  status: ResourceGraphStatus,
  result: Result,
  signal: AbortSignal,
): Promise<Result> {
  const { type } = await writer.write(graph, session, status, false, signal);
  return type === 'stale' ? REQUEUE : result;
}

/** The sooner of two. */
export function sooner(one: Result, other: Result): Result {
  if (one.type === 'requeue' || other.type === 'done') return one;
  if (other.type === 'requeue' || one.type === 'done') return other;
  return one.ms <= other.ms ? one : other;
}

/** True where a graph's plan waits for a kind that was not served when it was made. */
export function planWaitsForKind(graph: KubeObject): boolean {
  const decoded = decodeResourceGraph(graph);
  return decoded.ok && isOpen(decoded.value.status?.plan?.items ?? []);
}
