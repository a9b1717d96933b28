// One pass over a graph, phase by phase; `docs/architecture.md` lists them. Each phase either goes on, or ends the pass
// with a status that says why.
import { decodeResourceGraph, describeProblems } from '../../api/crd/index.ts';
import type { KubeObject, NamespacedName, ResourceGraph } from '../../api/index.ts';
import { InvalidObjectError, isBackoff, longestDelayMs, PequodError, TerminalError } from '../../errors.ts';
import { isoSeconds } from '../../graph/index.ts';
import { isNamespaceTerminating } from '../../kube/index.ts';
import {
  DONE,
  isBeingDeleted,
  type KeyFilter,
  REQUEUE,
  type ReconcileContext,
  type Result,
  requeueAfter,
} from '../../runtime/index.ts';
import { GraphFinalizer } from './deletion.ts';
import type { GraphDependencies } from './dependencies.ts';
import { holdReason } from './guard.ts';
import type { PassRun } from './pass-prepare.ts';
import { runPass } from './pass-run.ts';
import { planCandidate, sooner } from './plan/index.ts';
import type { GraphSession } from './session.ts';
import { statusOfProblem, statusOfSuspended, statusOfUndecodable } from './status.ts';
import { deadlineInMs } from './status-progress.ts';
import { StatusWriter } from './status-writer.ts';

/** The latest that a failure which waits for a change is looked at again all the same. */
const SLOW_RETRY_MS = 5 * 60_000;

export class GraphReconciler {
  readonly #deps: GraphDependencies;
  readonly #writer: StatusWriter;
  readonly #finalizer: GraphFinalizer;

  constructor(deps: GraphDependencies) {
    this.#deps = deps;
    this.#writer = new StatusWriter(deps);
    this.#finalizer = new GraphFinalizer(deps, this.#writer);
  }

  /** Brings the objects of one graph to what it says. */
  async reconcile(key: NamespacedName, context: ReconcileContext): Promise<Result> {
    const stored = this.#deps.graphs.get(key.namespace, key.name);
    if (stored === undefined) {
      this.#forget(key);
      return DONE;
    }
    if (isBeingDeleted(stored)) {
      this.#deps.probes.release(key);
      return await this.#finalizer.finalize(key, stored, context);
    }
    const decoded = decodeResourceGraph(stored);
    if (!decoded.ok)
      return await this.#reportUndecodable(stored, describeProblems(decoded.problems), context);
    const graph = decoded.value;
    const hold = holdReason(this.#deps, graph);
    if (hold !== undefined) {
      context.log.debug({ hold }, 'graph is not executed');
      return DONE;
    }
    const session = this.#deps.sessions.of(graph);
    if (graph.spec.suspend === true) return await this.#reportSuspended(graph, session, context);
    const { aside, log } = context;
    const run = { ...this.#deps, key, graph, session, writer: this.#writer, log, aside };
    const result = await this.#execute(run, context);
    return sooner(result, await planCandidate(run, context.signal));
  }

  /** Forgets graphs that another replica works on from now on: here they are as after a restart when they come back. */
  forgetAll(isForgotten: KeyFilter): void {
    for (const key of this.#deps.sessions.keys()) if (isForgotten(key)) this.#forget(key);
  }

  /** Every graph that something is held for has a session. */
  #forget(key: NamespacedName): void {
    this.#deps.sessions.forget(key);
    this.#deps.probes.release(key);
    this.#deps.children.release(key, new Set());
    this.#deps.mirrors.release(key);
  }

  async #execute(run: PassRun, context: ReconcileContext): Promise<Result> {
    try {
      return await runPass(run, context.signal);
    } catch (error) {
      return await this.#report(run.graph, run.session, error, context);
    }
  }

  /** What ends a whole pass is said in the graph; what passes by itself leaves the last status standing. */
  async #report(
    graph: ResourceGraph,
    session: GraphSession,
    error: unknown,
    context: ReconcileContext,
  ): Promise<Result> {
    context.signal.throwIfAborted();
    if (isNamespaceTerminating(error)) return DONE;
    if (!(error instanceof PequodError) || error.retry === 'backoff') throw error;
    const status = statusOfProblem(graph, session.statusOf(graph), error, isoSeconds(this.#deps.now()));
    await this.#writer.write(graph, session, status, false, context.signal);
    if (error instanceof InvalidObjectError && isBackoff(error.retry)) throw error;
    context.log.debug(
      { code: error.code, reason: error.reason, error: error.message },
      'graph can not be executed',
    );
    const retryInMs = error.retry === 'never' ? SLOW_RETRY_MS : longestDelayMs(error.retry);
    return requeueAfter(Math.min(retryInMs, deadlineInMs(graph, status, this.#deps.now()) ?? retryInMs));
  }

  async #reportSuspended(
    graph: ResourceGraph,
    session: GraphSession,
    context: ReconcileContext,
  ): Promise<Result> {
    this.#deps.probes.release({ namespace: graph.metadata.namespace ?? '', name: graph.metadata.name });
    const status = statusOfSuspended(graph, session.statusOf(graph), isoSeconds(this.#deps.now()));
    const { type } = await this.#writer.write(graph, session, status, false, context.signal);
    return type === 'stale' ? REQUEUE : DONE;
  }

  async #reportUndecodable(stored: KubeObject, problems: string, context: ReconcileContext): Promise<Result> {
    const error = new TerminalError(`the graph can't be read: ${problems}`, {
      code: 'INVALID_GRAPH',
      reason: 'InvalidGraph',
    });
    context.log.warn({ code: error.code, error: error.message }, 'graph can not be read');
    await this.#writer.writeProblem(
      stored,
      statusOfUndecodable(stored, error, isoSeconds(this.#deps.now())),
      context.signal,
    );
    return DONE;
  }
}
