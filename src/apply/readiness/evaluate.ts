// Whether a node's object is what the node waits for.
//
// Invariants: nothing is ready by a status of an older generation or while it is being deleted; a missing object is
// waited for; a timeout is a failure that is looked at again each time and may still turn into ready.
import { type CelPredicate, durationMs, type ReadinessPredicate } from '../../api/index.ts';
import { type Evaluation, expressionHash } from '../../cel/index.ts';
import { assertNever } from '../../errors.ts';
import { READINESS_TIMEOUT, type Readiness } from '../../graph/index.ts';
import type { Observation } from './observation.ts';
import { conditionOf, type ReadCondition } from './read.ts';

/** How long an object may take where its predicate does not say: 5 minutes. */
export const DEFAULT_READINESS_TIMEOUT_MS: number = 5 * 60_000;

export interface ReadinessClock {
  /** When the object was last applied, or began to be unready; undefined counts as now. */
  readonly appliedAtMs: number | undefined;
  readonly nowMs: number;
}

/** What a single predicate finds, before its timeout is looked at. */
type Finding = Omit<Readiness, 'deadlineAtMs'>;

/** The newest answer to a question that is asked over the network; undefined while there is none. */
export type ProbeAnswers = (
  predicate: Extract<ReadinessPredicate, { readonly type: 'External' | 'Webhook' }>,
) => Finding | undefined;

/** Whether all predicates hold; without any, kstatus decides. `deadlineAtMs` is the earliest timeout that still runs. */
export function evaluateReadiness(
  predicates: readonly ReadinessPredicate[] | undefined,
  observation: Observation | undefined,
  clock: ReadinessClock,
  answers: ProbeAnswers = () => undefined,
): Readiness {
  const wanted = predicates === undefined || predicates.length === 0 ? [undefined] : predicates;
  const startMs = clock.appliedAtMs ?? clock.nowMs;
  let worst: Finding | undefined;
  let last: Finding | undefined;
  let deadlineAtMs = Number.POSITIVE_INFINITY;
  for (const predicate of wanted) {
    const finding = evaluateOne(predicate, observation, answers);
    last = finding;
    if (finding.state === 'ready') continue;
    const timeoutMs = timeoutOf(predicate);
    const isLate = finding.state === 'waiting' && clock.nowMs >= startMs + timeoutMs;
    if (finding.state === 'waiting' && !isLate) deadlineAtMs = Math.min(deadlineAtMs, startMs + timeoutMs);
    const judged = isLate ? timedOut(finding, timeoutMs) : finding;
    if (worst === undefined || (worst.state === 'waiting' && judged.state === 'failed')) worst = judged;
  }
  if (worst === undefined) return last ?? ready('is ready');
  return worst.state === 'waiting' ? { ...worst, deadlineAtMs } : worst;
}

function timeoutOf(predicate: ReadinessPredicate | undefined): number {
  const timeoutMs = predicate?.timeout === undefined ? undefined : durationMs(predicate.timeout);
  return timeoutMs ?? DEFAULT_READINESS_TIMEOUT_MS;
}

function timedOut(finding: Finding, timeoutMs: number): Finding {
  const message = `${finding.message}, still after ${timeoutMs / 1000} s`;
  return { state: 'failed', reason: READINESS_TIMEOUT, message };
}

function evaluateOne(
  predicate: ReadinessPredicate | undefined,
  observation: Observation | undefined,
  answers: ProbeAnswers,
): Finding {
  if (observation === undefined) return waiting('NotFound', 'does not exist');
  if (observation.deletionTimestamp !== undefined) return waiting('Terminating', observation.status.message);
  if (predicate === undefined) return byObjectStatus(observation);
  if (predicate.type === 'Exists') return ready('exists');
  const stale = staleness(observation);
  if (stale !== undefined) return stale;
  switch (predicate.type) {
    case 'ConditionMatch':
      return conditionMatches(observation, predicate.conditionType, predicate.conditionStatus ?? 'True');
    case 'DeploymentAvailable':
      return deploymentAvailable(observation);
    case 'StatefulSetReady':
      return statefulSetReady(observation);
    case 'JobComplete':
      return jobComplete(observation);
    case 'CEL':
      return expressionHolds(observation, predicate);
    case 'External':
    case 'Webhook':
      return answers(predicate) ?? waiting('NotProbed', 'has not been asked for yet');
    default:
      return assertNever(predicate);
  }
}

function byObjectStatus({ status }: Observation): Finding {
  const { reason, message } = status;
  switch (status.status) {
    case 'Current':
      return ready(message);
    case 'InProgress':
    case 'Terminating':
      return waiting(reason, message);
    case 'Failed':
      return { state: 'failed', reason, message };
    default:
      return assertNever(status.status);
  }
}

function staleness({ generation, observedGeneration }: Observation): Finding | undefined {
  if (observedGeneration === undefined || generation === undefined || observedGeneration === generation) {
    return undefined;
  }
  return waiting(
    'GenerationNotObserved',
    `is at generation ${generation}, its status at ${observedGeneration}`,
  );
}

function conditionMatches(observation: Observation, type: string, status: string): Finding {
  const condition = conditionOf(observation.conditions, type);
  if (condition === undefined) return waiting('ConditionMissing', `has no condition ${type} yet`);
  if (isStale(condition, observation)) {
    return waiting('GenerationNotObserved', `has a condition ${type} of an older generation`);
  }
  if (condition.status === status) return ready(`has condition ${type}=${status}`);
  const why = condition.message === '' ? condition.reason : condition.message;
  return waiting(
    'ConditionNotMet',
    `has condition ${type}=${condition.status}${why === '' ? '' : `: ${why}`}`,
  );
}

function isStale(condition: ReadCondition, { generation }: Observation): boolean {
  const { observedGeneration } = condition;
  return observedGeneration !== undefined && generation !== undefined && observedGeneration < generation;
}

function deploymentAvailable(observation: Observation): Finding {
  if (observation.observedGeneration === undefined) {
    return waiting('NotObserved', 'has not been observed by its controller');
  }
  const available = conditionOf(observation.conditions, 'Available');
  const counts = countsOf(observation, 'available');
  if (available?.status === 'True') return ready(`is available${counts}`);
  const progressing = conditionOf(observation.conditions, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return { state: 'failed', reason: 'ProgressDeadlineExceeded', message: `is not available${counts}` };
  }
  return waiting('DeploymentNotAvailable', `is not available${counts}`);
}

function statefulSetReady(observation: Observation): Finding {
  const { status, replicas, observedGeneration } = observation;
  if (observedGeneration === undefined || replicas === undefined) {
    return waiting('NotObserved', 'has not been observed by its controller');
  }
  const counts = countsOf(observation, 'ready');
  if (replicas.ready < replicas.wanted) return waiting('StatefulSetNotReady', `is not ready${counts}`);
  return status.status === 'Current' ? ready(`is ready${counts}`) : byObjectStatus(observation);
}

function countsOf({ replicas }: Observation, what: 'ready' | 'available'): string {
  return replicas === undefined ? '' : ` (${replicas[what]}/${replicas.wanted})`;
}

function jobComplete(observation: Observation): Finding {
  const { conditions, status } = observation;
  if (conditionOf(conditions, 'Failed')?.status === 'True') {
    return { state: 'failed', reason: 'JobFailed', message: status.message };
  }
  if (conditionOf(conditions, 'Complete')?.status === 'True') return ready(status.message);
  return waiting('JobNotComplete', `is not complete: ${status.message}`);
}

function expressionHolds(observation: Observation, { expression, failedWhen }: CelPredicate): Finding {
  if (failedWhen !== undefined) {
    const failure = answerOf(observation, failedWhen);
    if (isTrue(failure)) {
      return { state: 'failed', reason: 'FailedWhen', message: `has failed: ${inLine(failedWhen)} is true` };
    }
    if (failure?.type === 'error') return expressionError(failedWhen, failure.message);
  }
  const answer = answerOf(observation, expression);
  if (answer === undefined)
    return waiting('NotEvaluated', `has not been asked yet for ${inLine(expression)}`);
  if (isTrue(answer)) return ready(`holds ${inLine(expression)}`);
  switch (answer.type) {
    case 'value':
      if (answer.value === false) return waiting('ExpressionNotMet', `waits for ${inLine(expression)}`);
      return expressionError(expression, 'the result is neither true nor false');
    case 'missing':
      return waiting('ExpressionNotMet', `waits for ${inLine(expression)}: ${answer.message}`);
    case 'error':
      return expressionError(expression, answer.message);
    default:
      return assertNever(answer);
  }
}

function answerOf({ answers }: Observation, expression: string): Evaluation | undefined {
  return answers?.[expressionHash(expression)];
}

function isTrue(answer: Evaluation | undefined): boolean {
  return answer?.type === 'value' && answer.value === true;
}

function expressionError(expression: string, message: string): Finding {
  return waiting('ExpressionError', `can't be asked for ${inLine(expression)}: ${message}`);
}

/** Longest part of an expression in a message. */
const MAX_EXPRESSION_IN_MESSAGE = 120;

function inLine(expression: string): string {
  const line = expression.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_EXPRESSION_IN_MESSAGE ? line : `${line.slice(0, MAX_EXPRESSION_IN_MESSAGE - 1)}…`;
}

function ready(message: string): Finding {
  return { state: 'ready', reason: 'Ready', message };
}

function waiting(reason: string, message: string): Finding {
  return { state: 'waiting', reason, message };
}
