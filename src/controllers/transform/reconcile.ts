// One pass over a Transform: finalizer, source, render, graph, status. Each phase works with what the watches show and
// what is remembered; none waits for anything but its own calls. A pass over a settled Transform makes no call.

import { decodeTransform, describeProblems } from '../../api/crd/index.ts';
import type { KubeObject, NamespacedName, TransformStatus } from '../../api/index.ts';
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
  type KeyFilter,
  REQUEUE,
  type ReconcileContext,
  type Result,
  requeueAfter,
} from '../../runtime/index.ts';
import { finalizeTransform } from './deletion.ts';
import type { TransformDependencies } from './dependencies.ts';
import { ensureFinalizer } from './finalizer.ts';
import { TransformMemories, type TransformMemory } from './memory.ts';
import type { PassEnd } from './pass-end.ts';
import { runPass } from './pass-run.ts';
import { reconcileToken } from './source.ts';
import { invalidStatus, nextStatus } from './status.ts';
import { writeStatus } from './status-write.ts';
import { deleteExpired, expiryMs } from './ttl.ts';

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

  /** Forgets Transforms that another replica works on from now on. */
  forgetAll(isForgotten: KeyFilter): void {
    this.#memories.forgetAll(isForgotten);
  }

  async #bring(stored: KubeObject, memory: TransformMemory, context: ReconcileContext): Promise<Result> {
    const object = await ensureFinalizer(this.#deps, stored, context.signal);
    const decoded = decodeTransform(object);
    // It could be read a moment ago; the change that made it unreadable brings the next pass.
    if (!decoded.ok) return REQUEUE;
    const transform = decoded.value;
    if (await deleteExpired(this.#deps, transform, context.log, context.signal)) return DONE;
    this.#notice(reconcileToken(transform), memory);
    const end = await runPass(this.#deps, { object, transform, memory, isNew: object !== stored }, context);
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

  #resultOf(statusDueMs: number | undefined, expiresAtMs: number | undefined, end: PassEnd): Result {
    const nowMs = this.#deps.now();
    const delays: number[] = [];
    if (statusDueMs !== undefined) delays.push(statusDueMs);
    if (expiresAtMs !== undefined) delays.push(Math.max(1, expiresAtMs - nowMs));
    if (end.renderDueAtMs !== undefined && end.renderDueAtMs > nowMs) delays.push(end.renderDueAtMs - nowMs);
    if (end.sourceDueAtMs !== undefined) {
      const lookMs = Math.max(1, end.sourceDueAtMs - nowMs);
      if (end.findings.failure === undefined && delays.every((ms) => lookMs < ms))
        return requeueAfter(lookMs, 'low');
      delays.push(lookMs);
    }
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
