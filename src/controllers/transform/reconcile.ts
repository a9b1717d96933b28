// One pass over a Transform: finalizer, source, render, graph, status. Each phase works with what the watches show and
// what is remembered; none waits for anything but its own calls. A pass over a settled Transform makes no call.
import { decodeTransform, describeProblems } from '../../api/crd/index.ts';
import type { KubeObject, NamespacedName, Transform, TransformStatus, Violation } from '../../api/index.ts';
import { isoSeconds } from '../../graph/index.ts';
import {
  isAlreadyExists,
  isNamespaceMissing,
  isNamespaceTerminating,
  isNotFound,
  isPreconditionFailed,
} from '../../kube/index.ts';
import {
  DONE,
  isBeingDeleted,
  REQUEUE,
  type ReconcileContext,
  type Result,
  requeueAfter,
} from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import { finalizeTransform } from './deletion.ts';
import type { TransformDependencies } from './dependencies.ts';
import { rollBackFailed } from './failed-graph.ts';
import type { Failure } from './failure.ts';
import { ensureFinalizer } from './finalizer.ts';
import type { Findings, Hold } from './findings.ts';
import { sizeWarnings } from './graph-size.ts';
import { type GraphView, measureGraph, relationOf, viewGraph } from './graph-view.ts';
import { bringGraph } from './graph-write.ts';
import { resolveInput } from './input.ts';
import { liveRendersOf } from './live-step.ts';
import { liveValuesOf } from './live-values.ts';
import { type InputMemory, type SourceMemory, TransformMemories, type TransformMemory } from './memory.ts';
import { bringRevision, type PinRun, wantedRevision } from './pins.ts';
import { followApproval } from './plan-approval.ts';
import { hashAtHand } from './plan-write.ts';
import { type RenderOutcome, renderTransform } from './render.ts';
import { reconcileToken, resolveSource } from './source.ts';
import { invalidStatus, nextStatus } from './status.ts';
import { writeStatus } from './status-write.ts';
import { deleteExpired, expiryMs } from './ttl.ts';

/** What a pass came to: what goes into the status, and when it wants to run again. */
interface PassEnd {
  readonly findings: Findings;
  /** When the source is asked again. */
  readonly sourceDueAtMs: number | undefined;
  /** When a failed render is tried again; in the past where the pass did not come to it. */
  readonly renderDueAtMs: number | undefined;
}

/** What a pass is about. */
interface Pass {
  readonly object: KubeObject;
  readonly transform: Transform;
  readonly memory: TransformMemory;
  /** The finalizer was added by this very pass. */
  readonly isNew: boolean;
}

export class TransformReconciler {
  readonly #deps: TransformDependencies;
  readonly #memories: TransformMemories = new TransformMemories();

  constructor(deps: TransformDependencies) {
    this.#deps = deps;
  }

  /** Brings the graph and the status of one Transform to what its spec says. */
  async reconcile(key: NamespacedName, context: ReconcileContext): Promise<Result> {
    const stored = this.#deps.transforms.get(key.namespace, key.name);
    if (stored === undefined) {
      this.#memories.forget(key);
      return DONE;
    }
    const memory = this.#memories.of(stored);
    try {
      if (isBeingDeleted(stored)) return await finalizeTransform(this.#deps, stored, memory, context);
      // Its namespace takes no new objects, and will delete the Transform in a moment.
      if (this.#deps.namespaces.get(undefined, key.namespace)?.isTerminating === true) return DONE;
      const decoded = decodeTransform(stored);
      if (decoded.ok) return await this.#bring(stored, memory, context);
      return await this.#reportInvalid(stored, describeProblems(decoded.problems), memory, context);
    } catch (error) {
      if (isNamespaceTerminating(error) || isNamespaceMissing(error)) return DONE;
      if (!isPreconditionFailed(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      context.log.debug({ error: error.message }, 'something changed meanwhile, looking again');
      return REQUEUE;
    }
  }

  async #bring(stored: KubeObject, memory: TransformMemory, context: ReconcileContext): Promise<Result> {
    const object = await ensureFinalizer(this.#deps, stored, context.signal);
    const decoded = decodeTransform(object);
    // It could be read a moment ago; the change that made it unreadable brings the next pass.
    if (!decoded.ok) return REQUEUE;
    const transform = decoded.value;
    if (await deleteExpired(this.#deps, transform, context.log, context.signal)) return DONE;
    this.#notice(reconcileToken(transform), memory);
    const end = await this.#run({ object, transform, memory, isNew: object !== stored }, context);
    if (end === 'again') return REQUEUE;
    const previous = transform.status ?? {};
    const next = nextStatus(transform, end.findings, isoSeconds(this.#deps.now()));
    const dueMs = await writeStatus(this.#deps, object, previous, next, memory, context.log, context.signal);
    return this.#resultOf(dueMs, expiryMs({ ...transform, status: next }), end);
  }

  /** A reconcile that is asked for tries again what failed. */
  #notice(token: string | undefined, memory: TransformMemory): void {
    if (token === memory.token) return;
    memory.token = token;
    memory.failed = undefined;
    memory.unrunnable = undefined;
    memory.dead = undefined;
  }

  async #run(pass: Pass, context: ReconcileContext): Promise<PassEnd | 'again'> {
    const { object, transform, memory, isNew } = pass;
    const { signal, log } = context;
    const { namespace, name } = transform.metadata;
    if (transform.spec.suspend === true) return await this.#suspend(transform, memory, signal);
    const approved = await followApproval(this.#deps, pass, context);
    if (approved === 'again') return approved;
    if (approved !== undefined) return heldBy({ graph: approved, token: reconcileToken(transform) });
    const isFixed = transform.spec.rollbackTo !== undefined;
    const source = isFixed ? undefined : await resolveSource(this.#deps, transform, memory, signal);
    const stored = this.#deps.graphs.get(namespace, name);
    const graph = stored === undefined ? undefined : viewGraph(stored);
    const hold = holdOf(graph, transform);
    if (hold !== undefined) return endOf(transform, memory, source, undefined, { hold });
    const resolution = resolutionIn(source);
    const relation = graph === undefined ? undefined : relationOf(graph, transform);
    const task = { transform, memory, graph, relation, resolution, render: undefined, isNew };
    const wanted = wantedRevision(transform, resolution);
    if (wanted !== undefined) {
      const pinned = await bringRevision(this.#deps, { object, task, log }, wanted, signal);
      return pinned === 'again' ? pinned : endOf(transform, memory, source, undefined, pinned);
    }
    return await this.#runRender({ object, task, log }, source, signal);
  }

  async #runRender(
    run: PinRun,
    source: SourceMemory | undefined,
    signal: AbortSignal,
  ): Promise<PassEnd | 'again'> {
    const { transform, memory, graph, resolution } = run.task;
    const running = {
      hash: hashAtHand(graph, transform, memory),
      nodes: graph?.spec?.nodes ?? [],
      live: liveValuesOf(graph),
      isExecuted: graph?.status?.nodeStatus !== undefined,
    };
    const input = await resolveInput(this.#deps, transform, memory, signal);
    const rendered = withInput(transform, input);
    const render =
      resolution === undefined || rendered === undefined
        ? undefined
        : await renderTransform(this.#deps, rendered, memory, resolution, running, signal);
    const outcome = await bringGraph(this.#deps, { ...run.task, render }, signal);
    if (outcome.graph !== undefined && outcome.graph !== graph) {
      run.log.info({ renderHash: outcome.graph.spec?.metadata.renderHash }, 'ResourceGraph written');
    }
    const warnings = this.#sizeWarnings(outcome.graph, memory);
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
    const way = await rollBackFailed(this.#deps, run, end.findings, signal);
    if (way === 'again') return way;
    return way === undefined ? end : { ...end, findings: { ...end.findings, hasNoWayBack: true } };
  }

  /** Of a suspended Transform only the policies reach the graph, and that it is suspended is one of them. */
  async #suspend(transform: Transform, memory: TransformMemory, signal: AbortSignal): Promise<PassEnd> {
    const { namespace, name } = transform.metadata;
    const stored = this.#deps.graphs.get(namespace, name);
    const graph = stored === undefined ? undefined : viewGraph(stored);
    const relation = graph === undefined ? undefined : relationOf(graph, transform);
    const isOurs = relation === 'ours' || relation === 'lost';
    const nothing = { resolution: undefined, render: undefined, isNew: false };
    const task = { transform, memory, graph, relation, ...nothing };
    const outcome = isOurs ? await bringGraph(this.#deps, task, signal) : { graph: undefined };
    const findings = { ...outcome, isSuspended: true, token: reconcileToken(transform) };
    return heldBy(findings);
  }

  #sizeWarnings(graph: GraphView | undefined, memory: TransformMemory): readonly Violation[] {
    if (graph?.spec === undefined) return [];
    return sizeWarnings(measureGraph(graph, graph.spec, memory).size, this.#deps.limits);
  }

  #resultOf(statusDueMs: number | undefined, expiresAtMs: number | undefined, end: PassEnd): Result {
    const nowMs = this.#deps.now();
    const delays: number[] = [];
    if (statusDueMs !== undefined) delays.push(statusDueMs);
    if (expiresAtMs !== undefined) delays.push(Math.max(1, expiresAtMs - nowMs));
    if (end.sourceDueAtMs !== undefined) delays.push(Math.max(1, end.sourceDueAtMs - nowMs));
    if (end.renderDueAtMs !== undefined && end.renderDueAtMs > nowMs) delays.push(end.renderDueAtMs - nowMs);
    return delays.length === 0 ? DONE : requeueAfter(Math.min(...delays));
  }

  async #reportInvalid(
    stored: KubeObject,
    problem: string,
    memory: TransformMemory,
    { log, signal }: ReconcileContext,
  ): Promise<Result> {
    const { generation = 0 } = stored.metadata;
    const previous = storedStatus(stored);
    const next = invalidStatus(previous, problem, generation, isoSeconds(this.#deps.now()));
    await writeStatus(this.#deps, stored, previous, next, memory, log, signal);
    return DONE;
  }
}

/** The status of a Transform whose spec can't be read; empty where the status can't be read either. */
function storedStatus(stored: KubeObject): TransformStatus {
  const spec = { cueRef: { type: 'inline', ref: '-' } };
  const decoded = decodeTransform({ ...stored, spec });
  return decoded.ok ? (decoded.value.status ?? {}) : {};
}

/** Of a pass that asks neither source nor render: what ends that is an event. */
function heldBy(findings: Findings): PassEnd {
  return { findings, sourceDueAtMs: undefined, renderDueAtMs: undefined };
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

function endOf(
  transform: Transform,
  memory: TransformMemory,
  source: SourceMemory | undefined,
  render: RenderOutcome | undefined,
  outcome: Pick<Findings, 'failure' | 'graph' | 'hold' | 'liveRenders' | 'pinning' | 'sizeWarnings'>,
  inputDueAtMs?: number,
): PassEnd {
  const failure = outcome.failure ?? failureOf(source, render);
  const hasSummary = render?.state === 'known' || render?.state === 'rendered';
  return {
    findings: {
      ...outcome,
      failure,
      resolution: resolutionIn(source),
      summary: hasSummary ? render.summary : undefined,
      token: reconcileToken(transform),
    },
    sourceDueAtMs: earliest(source?.nextAtMs, inputDueAtMs),
    renderDueAtMs:
      (render?.state === 'failed' || render?.state === 'known' ? render.dueAtMs : undefined) ??
      memory.unrunnable?.retryAtMs ??
      memory.failed?.retryAtMs,
  };
}

/** The Transform with its whole input; undefined where a part of it can't be had. */
function withInput(transform: Transform, { answer }: InputMemory): Transform | undefined {
  return answer.ok ? { ...transform, spec: { ...transform.spec, input: answer.input } } : undefined;
}

function inputFailure({ answer }: InputMemory): Failure | undefined {
  return answer.ok ? undefined : answer.failure;
}

function earliest(...timesMs: readonly (number | undefined)[]): number | undefined {
  const known = timesMs.filter((timeMs) => timeMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function resolutionIn(source: SourceMemory | undefined): Resolution | undefined {
  return source?.answer.ok === true ? source.answer.resolution : undefined;
}

function failureOf(source: SourceMemory | undefined, render: RenderOutcome | undefined): Failure | undefined {
  if (source?.answer.ok === false) return { step: 'Fetched', error: source.answer.error, violations: [] };
  return render?.state === 'failed' ? render.failed.failure : undefined;
}
