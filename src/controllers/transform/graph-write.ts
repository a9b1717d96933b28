// Phase "graph": brings the one ResourceGraph of the Transform to what was rendered. A write happens only where the
// nodes or the policies differ; the first creates the graph with everything it needs, in one call.
import {
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  type ResourceGraphSpec,
  type Transform,
} from '../../api/index.ts';
import { INVALID_RETRY_MS, isBackoff } from '../../errors.ts';
import { isoSeconds } from '../../graph/index.ts';
import { isNotFound, type JsonPatchOperation, keyOf, RESOURCE_GRAPHS, TRANSFORMS } from '../../kube/index.ts';
import type { RevisionContent } from '../../revisions/index.ts';
import { DEFAULT_BACKOFF, exponentialBackoff, isBeingDeleted } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import type { Failure } from './failure.ts';
import { type GraphPolicies, graphSpec, newGraph, revisionSpec } from './graph-build.ts';
import { whyNotWritable, whyRefused } from './graph-check.ts';
import { askForReconcile, guarded, keepParent, replaceSpec, setPolicies, takeOver } from './graph-patch.ts';
import { type GraphRelation, type GraphView, measureGraph, renderHashIn, viewGraph } from './graph-view.ts';
import type { TransformMemory } from './memory.ts';
import { clearPlan, dropCandidates, writePlan } from './plan-write.ts';
import type { RenderOutcome } from './render.ts';
import { takeNumber, trimHistory } from './revisions.ts';
import { reconcileToken } from './source.ts';

type GraphDependencies = Pick<
  TransformDependencies,
  'graphs' | 'limits' | 'now' | 'operator' | 'revisions' | 'tenancy'
>;

export interface GraphTask {
  readonly transform: Transform;
  readonly memory: TransformMemory;
  readonly graph: GraphView | undefined;
  /** Undefined where there is no graph. */
  readonly relation: GraphRelation | undefined;
  readonly resolution: Resolution | undefined;
  /** Undefined where the source gave nothing to render. */
  readonly render: RenderOutcome | undefined;
  /** A revision to run in place of a render. */
  readonly pinned?: { readonly number: number; readonly content: RevisionContent } | undefined;
  /** Nothing can have been created for the Transform before this pass. */
  readonly isNew: boolean;
}

export interface GraphOutcome {
  /** The graph after the writes; undefined where there is none, or none of ours. */
  readonly graph: GraphView | undefined;
  readonly failure?: Failure;
}

/** What the graph has to take over from the Transform at once. */
export function policiesOf(
  deps: Pick<TransformDependencies, 'tenancy'>,
  transform: Transform,
): GraphPolicies {
  const { spec } = transform;
  return {
    serviceAccountName: deps.tenancy.serviceAccountOf(spec),
    deletionPolicy: spec.deletionPolicy ?? 'Delete',
    // What failed must have removed nothing that the last good graph needs.
    prunePolicy: spec.rollbackOnFailure === true ? 'AfterReady' : spec.prunePolicy,
    drift: spec.drift,
    suspend: spec.suspend === true ? true : undefined,
    adopt: spec.adopt,
    healthCheck: spec.healthCheck,
    progressDeadline: spec.progressDeadline,
  };
}

/**
 * Creates or changes the graph as far as it is needed.
 * @throws ApiError and TransportError as the API server answers: `isConflict` and `isAlreadyExists` mean "look again"
 */
export async function bringGraph(
  deps: GraphDependencies & Pick<TransformDependencies, 'random'>,
  task: GraphTask,
  signal: AbortSignal,
): Promise<GraphOutcome> {
  const wanted = wantedSpec(deps, task);
  try {
    const outcome = await write(deps, task, wanted, signal);
    if (outcome.graph !== task.graph) task.memory.refusals = 0;
    return outcome;
  } catch (error) {
    const failure = whyRefused(error);
    if (failure === undefined) throw error;
    rememberRefusal(task, failure, deps.now() + refusedForMs(deps, task.memory, failure));
    return { graph: task.graph, failure };
  }
}

async function write(
  deps: GraphDependencies,
  task: GraphTask,
  { spec: wanted, failure }: WantedSpec,
  signal: AbortSignal,
): Promise<GraphOutcome> {
  const { graph, transform, relation } = task;
  if (transform.spec.dryRun === true) {
    const calls = {
      create: (planned: ResourceGraphSpec) => create(deps, task, planned, signal),
      patch: (seen: GraphView, due: readonly JsonPatchOperation[]) =>
        patchGraph(deps, task, seen, due, signal),
      isStillWanted: () => isStillWanted(deps, transform, signal),
    };
    const wish = { spec: wanted, failure };
    return await writePlan(deps, task, wish, policiesOf(deps, transform), calls, signal);
  }
  const outcome = failure === undefined ? {} : { failure };
  if (graph === undefined) {
    const first = await withNumber(deps, task, wanted, signal);
    const created = first === undefined ? undefined : await create(deps, task, first, signal);
    return { graph: created, ...outcome };
  }
  if (relation === 'lost' && !(await isStillWanted(deps, transform, signal))) return { graph: undefined };
  const spec = await withNumber(deps, task, wanted, signal);
  // Where nothing can be rendered, an unreadable graph stays what it is: there is nothing to put in its place.
  if (spec === undefined && graph.spec === undefined) return { graph, ...outcome };
  const changes = [
    ...(spec === undefined
      ? [...setPolicies(graph, policiesOf(deps, transform)), ...keepParent(graph), ...clearPlan(graph)]
      : replaceSpec(graph, spec)),
    ...(relation === 'lost' ? takeOver(graph, transform) : []),
    ...askForReconcile(graph, reconcileToken(transform)),
  ];
  const current = changes.length === 0 ? graph : await patchGraph(deps, task, graph, changes, signal);
  if (spec === undefined) await trimHistory(deps, task, signal);
  if (current !== graph) await dropCandidates(deps, transform, graph, signal);
  return { graph: current, ...outcome };
}

/** Puts another spec in the graph's place; what it replaces is kept before. @throws as {@link bringGraph} */
export async function replaceGraph(
  deps: GraphDependencies,
  task: GraphTask,
  graph: GraphView,
  spec: ResourceGraphSpec,
  signal: AbortSignal,
): Promise<GraphView> {
  const numbered = (await withNumber(deps, task, spec, signal)) ?? spec;
  return await patchGraph(deps, task, graph, replaceSpec(graph, numbered), signal);
}

/** The spec as it is written: what it replaces is kept before. */
async function withNumber(
  deps: GraphDependencies,
  task: GraphTask,
  spec: ResourceGraphSpec | undefined,
  signal: AbortSignal,
): Promise<ResourceGraphSpec | undefined> {
  if (spec === undefined) return undefined;
  const revision = await takeNumber(deps, task, spec.metadata, signal);
  return revision === undefined ? spec : { ...spec, metadata: { ...spec.metadata, revision } };
}

export interface WantedSpec {
  /** What to write; undefined where the graph holds these nodes, or where there are none to write. */
  readonly spec?: ResourceGraphSpec | undefined;
  /** Why it must not be written. */
  readonly failure?: Failure | undefined;
}

function wantedSpec(deps: GraphDependencies, task: GraphTask): WantedSpec {
  const { render, resolution, transform, graph, memory, pinned } = task;
  const policies = policiesOf(deps, transform);
  const inventory = graph?.status?.inventory?.items ?? [];
  if (pinned !== undefined) {
    const spec = revisionSpec(transform, pinned.content, policies);
    const failure = whyNotWritable(spec, transform.metadata.namespace ?? '', deps.limits, inventory);
    return failure === undefined ? { spec } : { failure };
  }
  if (render?.state !== 'rendered' || resolution === undefined) return {};
  if (renderHashIn(graph, memory) === render.result.renderHash) return {};
  const spec = graphSpec({
    transform,
    resolution,
    result: render.result,
    sourceKey: render.summary.sourceKey ?? render.summary.key,
    policies,
    previous: graph?.spec,
    nowIso: isoSeconds(deps.now()),
  });
  const failure = whyNotWritable(spec, transform.metadata.namespace ?? '', deps.limits, inventory);
  if (failure === undefined) return { spec };
  // What the graph still has in the cluster counts, too, and goes.
  const isTooLarge = failure.error.code === 'GRAPH_TOO_LARGE';
  rememberRefusal(task, failure, isTooLarge ? deps.now() + INVALID_RETRY_MS : undefined);
  return { failure };
}

/** How long what the API server has refused is left alone: where it may soon be taken, ever longer. */
function refusedForMs(
  { random }: Pick<TransformDependencies, 'random'>,
  memory: TransformMemory,
  { error: { retry } }: Failure,
): number {
  if (!isBackoff(retry)) return INVALID_RETRY_MS;
  const refusals = (memory.refusals ?? 0) + 1;
  memory.refusals = refusals;
  const maxMs = retry === 'backoff' ? DEFAULT_BACKOFF.maxMs : retry.backoffToMs;
  return exponentialBackoff({ ...DEFAULT_BACKOFF, maxMs }, refusals, random);
}

/** A render that is of no use is not repeated before its time. */
function rememberRefusal(
  { render, memory }: GraphTask,
  failure: Failure,
  retryAtMs: number | undefined,
): void {
  if (render?.state !== 'rendered') return;
  const { key, reads } = render.summary;
  memory.failed = { key, reads, failure, retryAtMs };
}

async function create(
  deps: GraphDependencies,
  task: GraphTask,
  spec: ResourceGraphSpec,
  signal: AbortSignal,
): Promise<GraphView> {
  const created = await deps.operator.create(
    RESOURCE_GRAPHS,
    newGraph(task.transform, spec),
    { fieldManager: OPERATOR_FIELD_MANAGER },
    signal,
  );
  return observe(deps, task.memory, created);
}

/** Makes these changes to this very version of the graph. @throws `isConflict`: look again */
export async function patchGraph(
  deps: GraphDependencies,
  task: GraphTask,
  graph: GraphView,
  changes: readonly JsonPatchOperation[],
  signal: AbortSignal,
): Promise<GraphView> {
  const patched = await deps.operator.jsonPatch(
    RESOURCE_GRAPHS,
    keyOf(graph.object),
    guarded(graph.object, changes),
    { fieldManager: OPERATOR_FIELD_MANAGER },
    signal,
  );
  return observe(deps, task.memory, patched);
}

function observe(deps: GraphDependencies, memory: TransformMemory, written: KubeObject): GraphView {
  deps.graphs.observeOwnWrite(written);
  const graph = viewGraph(written);
  if (graph.spec !== undefined) {
    const { renderHash } = graph.spec.metadata;
    const { hash } = measureGraph(graph, graph.spec, memory);
    memory.storedAs = hash === renderHash ? undefined : { renderHash, hash };
  }
  return graph;
}

/**
 * Whether the API server itself still has this very Transform, and not terminating. A graph that lost its owner is
 * taken back only then: an orphaning deletion takes the owner away first, and must not be undone in passing.
 */
async function isStillWanted(
  deps: GraphDependencies,
  transform: Transform,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace, name, uid } = transform.metadata;
  try {
    const live = await deps.operator.get(TRANSFORMS, { namespace, name }, signal);
    return live.metadata.uid === uid && !isBeingDeleted(live);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
