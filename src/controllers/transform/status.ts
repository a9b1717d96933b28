// What a Transform's status says, as a function of what a pass has found. Pure: no clock, no calls. What is not known
// any better keeps its last value, so that a source that can't be reached does not hide what runs.
import type {
  Condition,
  ResourceGraphStatus,
  Transform,
  TransformConditionType,
  TransformNodes,
  TransformStatus,
} from '../../api/index.ts';
import { findCondition, removeCondition, setCondition } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import { clipText, clipViolations } from './clip.ts';
import { type Failure, isStalling } from './failure.ts';
import type { GraphView } from './graph-view.ts';
import type { RenderSummary } from './memory.ts';

const MAX_REVISION_LENGTH = 512;
const MAX_TOKEN_LENGTH = 1024;

/** What a pass has found. */
export interface Findings {
  /** The source's answer; undefined where it gave none. */
  readonly resolution?: Resolution | undefined;
  readonly failure?: Failure | undefined;
  /** The render that is wanted; undefined where it failed or was not reached. */
  readonly summary?: RenderSummary | undefined;
  /** The graph after the pass, if it is the Transform's. */
  readonly graph?: GraphView | undefined;
  /** Why nothing can be done right now, where that is neither source, module nor graph. */
  readonly hold?: Hold | undefined;
  /** The reconcile that was asked for and is over. */
  readonly token?: string | undefined;
}

export interface Hold {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** True where only a person can help. */
  readonly isStalled: boolean;
}

/** The status after a pass. @param nowIso RFC 3339, whole seconds */
export function nextStatus(transform: Transform, findings: Findings, nowIso: string): TransformStatus {
  const previous = transform.status ?? {};
  const { generation = 0 } = transform.metadata;
  const { graph, summary, failure, resolution, token } = findings;
  const isCurrent = isGraphCurrent(findings);
  const {
    blockedBy: _blockedBy,
    nodes: _nodes,
    resourceGraphRef: _ref,
    violations: _violations,
    ...kept
  } = previous;
  const violations = violationsOf(previous, findings);
  const next: TransformStatus = {
    ...kept,
    observedGeneration: generation,
    ...(token === undefined ? {} : { lastHandledReconcileAt: clipText(token, MAX_TOKEN_LENGTH) }),
    ...(graph === undefined ? {} : { resourceGraphRef: { name: transform.metadata.name, uid: graph.uid } }),
    ...(resolution === undefined ? {} : { resolvedCueRef: resolvedRef(previous, resolution, nowIso) }),
    ...(isCurrent && summary !== undefined && resolution !== undefined
      ? {
          renderKey: summary.key,
          renderReads: summary.reads,
          applied: { ...revisionOf(resolution), digest: resolution.digest, renderHash: summary.renderHash },
        }
      : {}),
    ...mirror(graph?.status),
  };
  const steps = stepConditions(previous.conditions, { failure, isCurrent, resolution, generation, nowIso });
  const verdict = judge(transform, findings, isCurrent);
  return {
    ...next,
    ...(violations === undefined || violations.length === 0 ? {} : { violations }),
    conditions: verdictConditions(steps, verdict, generation, nowIso),
  };
}

/** The status of a Transform whose spec can't be read: nothing else about it is touched. */
export function invalidStatus(
  previous: TransformStatus,
  problem: string,
  generation: number,
  nowIso: string,
): TransformStatus {
  const verdict: Verdict = {
    status: 'False',
    reason: 'InvalidSpec',
    message: `${problem}; what runs is left as it is`,
    progress: 'stalled',
  };
  const conditions = verdictConditions(previous.conditions ?? [], verdict, generation, nowIso);
  return { ...previous, observedGeneration: generation, conditions };
}

/** True where the graph holds what was rendered. */
function isGraphCurrent({ graph, summary, failure }: Findings): boolean {
  if (graph?.spec === undefined || summary === undefined || failure !== undefined) return false;
  return graph.spec.metadata.renderHash === summary.renderHash;
}

function resolvedRef(
  previous: TransformStatus,
  resolution: Resolution,
  nowIso: string,
): NonNullable<TransformStatus['resolvedCueRef']> {
  const before = previous.resolvedCueRef;
  const fetchedAt = before?.digest === resolution.digest ? before.fetchedAt : nowIso;
  return { digest: resolution.digest, ...revisionOf(resolution), fetchedAt };
}

function revisionOf({ revision }: Resolution): { readonly revision?: string } {
  return revision === undefined ? {} : { revision: clipText(revision, MAX_REVISION_LENGTH) };
}

function violationsOf(previous: TransformStatus, findings: Findings): TransformStatus['violations'] {
  const { failure, graph } = findings;
  if (failure?.step === 'Fetched') return previous.violations;
  if (failure !== undefined) return clipViolations(failure.violations);
  return graph?.spec?.violations;
}

function mirror(status: ResourceGraphStatus | undefined): Pick<TransformStatus, 'blockedBy' | 'nodes'> {
  const nodes: Record<string, TransformNodes[string]> = {};
  for (const [id, node] of Object.entries(status?.nodeStatus ?? {})) {
    if (node === undefined) continue;
    const { phase, lastError, readyDetails } = node;
    nodes[id] = {
      phase,
      ...(lastError === undefined ? {} : { lastError }),
      ...(readyDetails === undefined ? {} : { readyDetails }),
    };
  }
  return {
    ...(status?.nodeStatus === undefined ? {} : { nodes }),
    ...(status?.blockedBy === undefined ? {} : { blockedBy: status.blockedBy }),
  };
}

interface StepInput {
  readonly failure: Failure | undefined;
  readonly isCurrent: boolean;
  readonly resolution: Resolution | undefined;
  readonly generation: number;
  readonly nowIso: string;
}

/** Fetched, Validated and Rendered, each as far as the pass came to it. */
function stepConditions(previous: readonly Condition[] | undefined, input: StepInput): readonly Condition[] {
  const { failure, isCurrent, resolution, generation, nowIso } = input;
  let conditions = previous ?? [];
  const set = (type: TransformConditionType, isTrue: boolean, reason: string, message: string): void => {
    const status = isTrue ? 'True' : 'False';
    conditions = setCondition(
      conditions,
      { type, status, reason, message, observedGeneration: generation },
      nowIso,
    );
  };
  if (resolution !== undefined) set('Fetched', true, 'Fetched', `the module is ${resolution.digest}`);
  if (failure !== undefined) {
    const { step, error } = failure;
    if (step === 'Rendered') set('Validated', true, 'Valid', 'the input is what the module asks for');
    set(step, false, error.reason, error.message);
    if (step === 'Validated')
      set('Rendered', false, 'NotValidated', 'the module was not rendered for this input');
  } else if (isCurrent) {
    set('Validated', true, 'Valid', 'the input is what the module asks for');
    set('Rendered', true, 'Rendered', 'the ResourceGraph holds what the module yields');
  }
  return conditions;
}

interface Verdict {
  readonly status: 'False' | 'True';
  readonly reason: string;
  readonly message: string;
  /** What kstatus is to make of a Transform that is not ready. */
  readonly progress: 'reconciling' | 'settled' | 'stalled';
}

function judge(transform: Transform, findings: Findings, isCurrent: boolean): Verdict {
  const { failure, graph, hold } = findings;
  if (hold !== undefined) {
    const { reason, message, isStalled } = hold;
    return { status: 'False', reason, message, progress: isStalled ? 'stalled' : 'reconciling' };
  }
  if (failure !== undefined && !(failure.step === 'Fetched' && isLastGoodForThisSpec(transform, graph))) {
    const rest = graph === undefined ? 'nothing was created' : 'the last good graph keeps running';
    return {
      status: 'False',
      reason: failure.error.reason,
      message: `${failure.error.message}; ${rest}`,
      progress: isStalling(failure) ? 'stalled' : 'reconciling',
    };
  }
  if (graph === undefined || !(isCurrent || failure !== undefined)) {
    const message = 'the ResourceGraph is being written';
    return { status: 'False', reason: 'Progressing', message, progress: 'reconciling' };
  }
  return graphVerdict(graph);
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

function graphVerdict(graph: GraphView): Verdict {
  const { conditions, observedGeneration, blockedBy } = graph.status ?? {};
  const isSeen = observedGeneration === graph.generation;
  const ready = isSeen ? findCondition(conditions, 'Ready') : undefined;
  if (ready?.status === 'True') {
    return { status: 'True', reason: ready.reason, message: ready.message, progress: 'settled' };
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

function verdictConditions(
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
