// The phases of a pass over a Transform that can be read: what holds it, what was approved, which revision is wanted,
// source, input, render, graph. The first that has the answer ends the pass.

import type { KubeObject, Transform, Violation } from '../../api/index.ts';
import type { ReconcileContext } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { rollBackFailed } from './failed-graph.ts';
import type { Failure } from './failure.ts';
import type { Hold } from './findings.ts';
import { sizeWarnings } from './graph-size.ts';
import { type GraphView, measureGraph, relationOf, viewGraph } from './graph-view.ts';
import { bringGraph } from './graph-write.ts';
import { resolveInput } from './input.ts';
import { liveRendersOf } from './live-step.ts';
import { liveValuesOf } from './live-values.ts';
import type { InputMemory, SourceMemory, TransformMemory } from './memory.ts';
import { endOf, heldBy, lastGoodIn, type PassEnd, resolutionIn } from './pass-end.ts';
import { bringRevision, type PinRun, wantedRevision } from './pins.ts';
import { followApproval } from './plan-approval.ts';
import { hashAtHand } from './plan-write.ts';
import { type RenderOutcome, type RunningGraph, renderTransform } from './render.ts';
import { reconcileToken, resolveSource } from './source.ts';
import { sourcesAside } from './sources-aside.ts';
import { TenantReads } from './tenant-reads.ts';

/** What a pass is about. */
export interface TransformPass {
  readonly object: KubeObject;
  readonly transform: Transform;
  readonly memory: TransformMemory;
  /** The finalizer was added by this very pass. */
  readonly isNew: boolean;
}

type PassDependencies = TransformDependencies & { readonly reads: TenantReads };

/** Runs the phases up to the graph. @returns `again` where something was written that the rest has to start from */
export async function runPass(
  given: TransformDependencies,
  pass: TransformPass,
  context: ReconcileContext,
): Promise<PassEnd | 'again'> {
  const { object, transform, memory, isNew } = pass;
  const deps: PassDependencies = {
    ...given,
    sources: sourcesAside(given.sources, context.aside),
    reads: new TenantReads(given, transform),
  };
  const { signal, log } = context;
  const { namespace, name } = transform.metadata;
  if (transform.spec.suspend === true) return await suspend(deps, transform, memory, signal);
  const approved = await followApproval(deps, pass, context);
  if (approved === 'again') return approved;
  if (approved !== undefined) return heldBy({ graph: approved, token: reconcileToken(transform) });
  const isFixed = transform.spec.rollbackTo !== undefined;
  const before = resolutionIn(memory.source)?.digest ?? transform.status?.resolvedCueRef?.digest;
  const source = isFixed ? undefined : await resolveSource(deps, transform, memory, signal);
  const stored = deps.graphs.get(namespace, name);
  const graph = stored === undefined ? undefined : viewGraph(stored);
  const hold = holdOf(graph, transform);
  if (hold !== undefined) return endOf(transform, memory, source, undefined, { hold });
  const resolution = resolutionIn(source);
  if (before !== undefined && resolution !== undefined && resolution.digest !== before)
    log.info({ before, ...resolution }, 'the reference stands for another module');
  const relation = graph === undefined ? undefined : relationOf(graph, transform);
  const task = { transform, memory, graph, relation, resolution, render: undefined, isNew };
  const wanted = wantedRevision(transform, resolution);
  if (wanted !== undefined) {
    const pinned = await bringRevision(deps, { object, task, log }, wanted, signal);
    return pinned === 'again' ? pinned : endOf(transform, memory, source, undefined, pinned);
  }
  return await runRender(deps, { object, task, log }, source, signal);
}

async function runRender(
  deps: PassDependencies,
  run: PinRun,
  source: SourceMemory | undefined,
  signal: AbortSignal,
): Promise<PassEnd | 'again'> {
  const { transform, memory, graph } = run.task;
  const resolution = run.task.resolution ?? lastGoodIn(source);
  const running = {
    hash: hashAtHand(graph, transform, memory),
    nodes: graph?.spec?.nodes ?? [],
    live: liveValuesOf(graph),
    isExecuted: graph?.status?.nodeStatus !== undefined,
  };
  const input = await resolveInput(deps, transform, memory, signal);
  const rendered = withInput(transform, input);
  const render =
    resolution === undefined || rendered === undefined
      ? undefined
      : await renderGood(deps, rendered, memory, resolution, running, signal);
  const task = {
    ...run.task,
    resolution: resolutionIn(memory.source) ?? lastGoodIn(memory.source) ?? resolution,
  };
  const outcome = await bringGraph(deps, { ...task, render }, signal);
  if (outcome.graph !== undefined && outcome.graph !== graph) {
    run.log.info({ renderHash: outcome.graph.spec?.metadata.renderHash }, 'ResourceGraph written');
  }
  const warnings = warningsAboutSize(deps, outcome.graph, memory);
  const failure = outcome.failure ?? (resolution === undefined ? undefined : inputFailure(input));
  const found = {
    ...outcome,
    failure,
    sizeWarnings: warnings,
    pinning: { pin: undefined },
    hold: render?.state === 'held' ? render.hold : undefined,
    liveRenders: liveRendersOf(memory, render, outcome.graph?.spec?.metadata.renderHash),
  };
  const end = endOf(transform, memory, memory.source ?? source, render, found, input.nextAtMs);
  const way = await rollBackFailed(deps, run, end.findings, signal);
  if (way === 'again') return way;
  return way === undefined ? end : { ...end, findings: { ...end.findings, hasNoWayBack: true } };
}

/** The render of what the source gave, or, where that can't be had because the place fell silent, of what it gave before. */
async function renderGood(
  deps: PassDependencies,
  transform: Transform,
  memory: TransformMemory,
  resolution: Resolution,
  running: RunningGraph,
  signal: AbortSignal,
): Promise<RenderOutcome> {
  const render = await renderTransform(deps, transform, memory, resolution, running, signal);
  const good = render.state === 'unavailable' ? lastGoodIn(render.source) : undefined;
  if (good === undefined || good.digest === resolution.digest) return render;
  return await renderTransform(deps, transform, memory, good, running, signal);
}

/** Of a suspended Transform only the policies reach the graph, and that it is suspended is one of them. */
async function suspend(
  deps: TransformDependencies,
  transform: Transform,
  memory: TransformMemory,
  signal: AbortSignal,
): Promise<PassEnd> {
  const { namespace, name } = transform.metadata;
  const stored = deps.graphs.get(namespace, name);
  const graph = stored === undefined ? undefined : viewGraph(stored);
  const relation = graph === undefined ? undefined : relationOf(graph, transform);
  const isOurs = relation === 'ours' || relation === 'lost';
  const nothing = { resolution: undefined, render: undefined, isNew: false };
  const task = { transform, memory, graph, relation, ...nothing };
  const outcome = isOurs ? await bringGraph(deps, task, signal) : { graph: undefined };
  const findings = { ...outcome, isSuspended: true, token: reconcileToken(transform) };
  return heldBy(findings);
}

function warningsAboutSize(
  deps: TransformDependencies,
  graph: GraphView | undefined,
  memory: TransformMemory,
): readonly Violation[] {
  if (graph?.spec === undefined) return [];
  return sizeWarnings(measureGraph(graph, graph.spec, memory).size, deps.limits);
}

/** Why nothing may be written right now. */
function holdOf(graph: GraphView | undefined, transform: Transform): Hold | undefined {
  const relation = graph === undefined ? undefined : relationOf(graph, transform);
  if (relation === 'terminating') {
    const blockedBy = graph?.status?.blockedBy;
    const rest = blockedBy === undefined ? '' : `: ${blockedBy}`;
    const message = `the earlier ResourceGraph of this name is being deleted${rest}`;
    return { reason: 'GraphTerminating', message, isStalled: false };
  }
  if (relation !== 'foreign') return undefined;
  const message = `ResourceGraph ${transform.metadata.name} is controlled by another object`;
  return { reason: 'GraphNotOurs', message, isStalled: true };
}

/** The Transform with its whole input; undefined where a part of it can't be had. */
function withInput(transform: Transform, { answer }: InputMemory): Transform | undefined {
  return answer.ok ? { ...transform, spec: { ...transform.spec, input: answer.input } } : undefined;
}

function inputFailure({ answer }: InputMemory): Failure | undefined {
  return answer.ok ? undefined : answer.failure;
}
