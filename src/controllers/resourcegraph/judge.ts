// Whether a node is ready: what the watch shows of its object, what was found out beside the watch, and what its status
// said before. Pure.
import type { NodeStatus } from '../../api/index.ts';
import { evaluateReadiness, type Observation, type PodTrouble } from '../../apply/index.ts';
import { type Readiness, readinessStartMs } from '../../graph/index.ts';
import { isJsonObject } from '../../json/index.ts';
import type { ProbeFinding, ProbePredicate } from '../../probes/index.ts';
import type { NodeTarget } from './targets.ts';

/** What is known of a node's object that no watch tells of. */
export interface Signs {
  /** The newest answer to a probe of the node; undefined while there is none. */
  readonly answerOf: (target: NodeTarget, predicate: ProbePredicate) => ProbeFinding | undefined;
  /** Why the Pods of the node's workload don't run, where that has been looked at. */
  readonly troubleOf: (target: NodeTarget) => PodTrouble | undefined;
}

/** Whether the node's object is what the node waits for. */
export function judgeReadiness(
  target: NodeTarget,
  observation: Observation | undefined,
  status: NodeStatus,
  signs: Signs,
  nowMs: number,
): Readiness {
  if (isOverByTtl(target, observation, status)) {
    return { state: 'ready', reason: 'Ready', message: 'finished and was removed after its TTL' };
  }
  const clock = { appliedAtMs: readinessStartMs(status), nowMs };
  const readiness = evaluateReadiness(target.planNode.node.readyWhen, observation, clock, (predicate) => {
    return signs.answerOf(target, predicate) ?? standing(status);
  });
  return withTrouble(readiness, signs.troubleOf(target));
}

/** A probe that was not answered yet, as after a restart, changes nothing about what the status says. */
function standing({
  phase,
  reason,
  message,
  nextAttemptAt,
}: NodeStatus): Omit<Readiness, 'deadlineAtMs'> | undefined {
  if (phase === 'Ready')
    return { state: 'ready', reason: 'Ready', message: 'was ready when it was last asked' };
  if (reason === undefined || message === undefined || nextAttemptAt !== undefined) return undefined;
  if (phase === 'Applied') return { state: 'waiting', reason, message };
  return phase === 'Error' ? { state: 'failed', reason, message } : undefined;
}

function withTrouble(readiness: Readiness, trouble: PodTrouble | undefined): Readiness {
  if (readiness.state === 'ready' || trouble === undefined) return readiness;
  const message = `${readiness.message}: ${trouble.message}`;
  // That it took too long, or failed, says more than why it is waited for.
  return readiness.state === 'waiting'
    ? { ...readiness, reason: trouble.reason, message }
    : { ...readiness, message };
}

/** A Job that was Ready and has a TTL goes away by itself, its Pods first: it is over, not lost. */
export function isOverByTtl(
  { identity, planNode }: NodeTarget,
  observation: Observation | undefined,
  status: NodeStatus,
): boolean {
  if (observation !== undefined && observation.deletionTimestamp === undefined) return false;
  const spec = planNode.object['spec'];
  return (
    identity.group === 'batch' &&
    identity.kind === 'Job' &&
    status.phase === 'Ready' &&
    isJsonObject(spec) &&
    spec['ttlSecondsAfterFinished'] !== undefined
  );
}
