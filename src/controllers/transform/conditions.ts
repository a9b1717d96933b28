// The conditions of a Transform: how far the pass came, and what that means. Reconciling and Stalled are there only
// while they are true, so that kstatus reads a Transform without knowing it.
import type { Condition, RevisionPin, Transform, TransformConditionType } from '../../api/index.ts';
import type { PequodError } from '../../errors.ts';
import { findCondition, removeCondition, setCondition } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import { clipText } from './clip.ts';
import { type Failure, isStalling } from './failure.ts';
import type { Findings } from './findings.ts';
import type { GraphView } from './graph-view.ts';
import { planVerdict } from './plan-verdict.ts';

/** Of the cause in a message, so that what follows it is always seen. */
const MAX_FAILURE_LENGTH = 900;

export interface StepInput {
  readonly failure: Failure | undefined;
  /** Why the source can't be asked. */
  readonly silence: PequodError | undefined;
  readonly isCurrent: boolean;
  /** What was rendered is a candidate. */
  readonly isPlanned: boolean;
  readonly resolution: Resolution | undefined;
  readonly generation: number;
  readonly nowIso: string;
}

/** Fetched, Validated and Rendered, each as far as the pass came to it. */
export function stepConditions(
  previous: readonly Condition[] | undefined,
  input: StepInput,
): readonly Condition[] {
  const { failure, silence, isCurrent, isPlanned, resolution, generation, nowIso } = input;
  let conditions = previous ?? [];
  const set = (type: TransformConditionType, isTrue: boolean, reason: string, message: string): void => {
    const status = isTrue ? 'True' : 'False';
    conditions = setCondition(
      conditions,
      { type, status, reason, message, observedGeneration: generation },
      nowIso,
    );
  };
  if (resolution !== undefined && silence === undefined)
    set('Fetched', true, 'Fetched', `the module is ${nameOf(resolution)}`);
  if (resolution !== undefined && silence !== undefined) {
    const message = clipText(silence.message, MAX_FAILURE_LENGTH);
    set('Fetched', false, silence.reason, `${message}; ${resolution.digest}, fetched before, stays in force`);
  }
  if (failure !== undefined) {
    const { step, error } = failure;
    if (step === 'Rendered') set('Validated', true, 'Valid', 'the input is what the module asks for');
    set(step, false, error.reason, error.message);
    if (step === 'Validated')
      set('Rendered', false, 'NotValidated', 'the module was not rendered for this input');
  } else if (isCurrent || isPlanned) {
    const message = isCurrent
      ? 'the ResourceGraph holds what the module yields'
      : 'what the module yields is planned';
    set('Validated', true, 'Valid', 'the input is what the module asks for');
    set('Rendered', true, 'Rendered', message);
  }
  return conditions;
}

/** What Ready says, and what goes with it. */
export interface Verdict {
  readonly status: 'False' | 'True';
  readonly reason: string;
  readonly message: string;
  /** What kstatus is to make of a Transform that is not ready. */
  readonly progress: 'reconciling' | 'settled' | 'stalled';
}

/** What the findings mean for Ready. */
export function judge(transform: Transform, findings: Findings, isCurrent: boolean): Verdict {
  const { failure, graph, hold } = findings;
  if (findings.isSuspended === true) return suspendedVerdict(transform);
  if (hold !== undefined) {
    const { reason, message, isStalled } = hold;
    return { status: 'False', reason, message, progress: isStalled ? 'stalled' : 'reconciling' };
  }
  const planned = failure === undefined && graph !== undefined ? planVerdict(transform, graph) : undefined;
  if (planned !== undefined) return planned;
  const pin = findings.pinning?.pin;
  if (pin !== undefined) return pinnedVerdict(pin, graph);
  if (failure !== undefined && !(failure.step === 'Fetched' && isLastGoodForThisSpec(transform, graph))) {
    const rest = graph === undefined ? 'nothing was created' : 'the last good graph keeps running';
    return {
      status: 'False',
      reason: failure.error.reason,
      message: `${clipText(failure.error.message, MAX_FAILURE_LENGTH)}; ${rest}`,
      progress: isStalling(failure) ? 'stalled' : 'reconciling',
    };
  }
  if (graph === undefined || !(isCurrent || failure !== undefined)) {
    const message = 'the ResourceGraph is being written';
    return { status: 'False', reason: 'Progressing', message, progress: 'reconciling' };
  }
  const verdict = transform.spec.dryRun === true ? withoutPlan(graphVerdict(graph)) : graphVerdict(graph);
  return findings.hasNoWayBack === true ? withoutWayBack(verdict) : verdict;
}

/** Ready keeps what it said: nothing is known any better while nothing is looked at. */
function suspendedVerdict({ status }: Transform): Verdict {
  const isReady = findCondition(status?.conditions, 'Ready')?.status === 'True';
  const message = 'suspended: nothing is fetched, rendered, applied or repaired';
  return { status: isReady ? 'True' : 'False', reason: 'Suspended', message, progress: 'settled' };
}

/** A source that fails says nothing against a graph that was rendered from it for this very generation. */
function isLastGoodForThisSpec(transform: Transform, graph: GraphView | undefined): boolean {
  const { conditions, applied } = transform.status ?? {};
  const rendered = findCondition(conditions, 'Rendered');
  return (
    rendered?.status === 'True' &&
    rendered.observedGeneration === transform.metadata.generation &&
    applied !== undefined &&
    applied.renderHash === graph?.spec?.metadata.renderHash
  );
}

/** While a revision is pinned, what module and input say counts for nothing. */
function pinnedVerdict(pin: RevisionPin, graph: GraphView | undefined): Verdict {
  const { revision, reason, message } = pin;
  const isThere = graph?.spec?.metadata.revision === revision;
  const progressing = { status: 'False', reason: 'Progressing', progress: 'reconciling' } as const;
  const verdict =
    graph !== undefined && isThere
      ? graphVerdict(graph)
      : { ...progressing, message: 'the ResourceGraph is being written' };
  if (reason === 'RollbackTo')
    return { ...verdict, message: `${verdict.message}; runs revision ${revision} (rollbackTo)` };
  const state = verdict.status === 'True' ? '' : `, which is not ready: ${verdict.message}`;
  const runs = `revision ${revision} runs until spec or module change (rollbackOnFailure)${state}`;
  const why = clipText(message ?? 'what was rendered failed', MAX_FAILURE_LENGTH);
  return { status: 'False', reason: 'RolledBack', message: `${why}; ${runs}`, progress: 'stalled' };
}

function withoutWayBack(verdict: Verdict): Verdict {
  const message = clipText(verdict.message, MAX_FAILURE_LENGTH);
  return {
    ...verdict,
    message: `${message}; there is no earlier revision that was ready to go back to (rollbackOnFailure)`,
  };
}

/** What runs is what was rendered: there is nothing to approve. */
function withoutPlan(verdict: Verdict): Verdict {
  return { ...verdict, message: `planned: no changes; ${verdict.message}` };
}

function graphVerdict(graph: GraphView): Verdict {
  const { conditions, observedGeneration, blockedBy } = graph.status ?? {};
  const isSeen = observedGeneration === graph.generation;
  const ready = isSeen ? findCondition(conditions, 'Ready') : undefined;
  if (ready?.status === 'True') {
    const message = withLeftovers(ready.message, conditions);
    return { status: 'True', reason: ready.reason, message, progress: 'settled' };
  }
  const isStalled = isSeen && findCondition(conditions, 'Stalled')?.status === 'True';
  return {
    status: 'False',
    reason: ready?.reason ?? 'Progressing',
    message:
      (isSeen ? (blockedBy ?? ready?.message) : undefined) ?? 'the ResourceGraph has not been executed yet',
    progress: isStalled ? 'stalled' : 'reconciling',
  };
}

/** Ready does not mean that nothing is left of earlier graphs: what is protected, or can't be removed, is named. */
function withLeftovers(message: string, conditions: readonly Condition[] | undefined): string {
  const pruned = findCondition(conditions, 'Pruned');
  if (pruned?.status !== 'False') return message;
  return `${message}; not removed: ${clipText(pruned.message, MAX_FAILURE_LENGTH)}`;
}

/** Ready, Reconciling and Stalled as the verdict has them. */
export function verdictConditions(
  conditions: readonly Condition[],
  verdict: Verdict,
  generation: number,
  nowIso: string,
): readonly Condition[] {
  const { status, reason, message, progress } = verdict;
  const input = { reason, message, observedGeneration: generation };
  const ready = setCondition(conditions, { ...input, type: 'Ready', status }, nowIso);
  const mark = (
    list: readonly Condition[],
    type: TransformConditionType,
    isTrue: boolean,
  ): readonly Condition[] =>
    isTrue ? setCondition(list, { ...input, type, status: 'True' }, nowIso) : removeCondition(list, type);
  return mark(mark(ready, 'Reconciling', progress === 'reconciling'), 'Stalled', progress === 'stalled');
}

/** With the tag or branch, where that is known: `v1@sha256:…`. */
function nameOf({ digest, revision = '' }: Resolution): string {
  return revision.endsWith(`@${digest}`) ? revision : digest;
}
