// Takes a graph that is being deleted out of the cluster. Needs no module, no plan, no Transform: the inventory knows
// everything.
//
// Invariants kept here:
// - Children are deleted only if a live read by name says that the Transform is terminating or absent. A live Transform
//   means that someone deleted the graph alone: nothing is deleted, the next graph finds its children.
// - Only entries of an inventory that carries this graph's own uid count; another one is rebuilt first. What an edited
//   inventory lacks, and the watches show to be ours, goes too.
// - Grace periods don't count; what is protected is released.
// - Orphan holds if the graph, one of its nodes as they are now, the inventory, the Transform, or a cascade says it: a
//   graph without its owner reference was let go.
// - The finalizer leaves last, and only by the operator's own identity.
import { decodeResourceGraph, describeProblems } from '../../api/crd/index.ts';
import {
  describeIdentity,
  identityKey,
  type KubeObject,
  type NamespacedName,
  RESOURCE_GRAPH_FINALIZER,
  type ResourceGraph,
} from '../../api/index.ts';
import { ObjectRemover } from '../../apply/index.ts';
import { longestDelayMs, messageOf, PequodError, TerminalError } from '../../errors.ts';
import { isoSeconds } from '../../graph/index.ts';
import { isConflict, isForbidden, isNotFound, isPatchRejected, RESOURCE_GRAPHS } from '../../kube/index.ts';
import {
  DONE,
  hasFinalizer,
  REQUEUE,
  type ReconcileContext,
  type Result,
  removeFinalizerPatch,
  requeueAfter,
} from '../../runtime/index.ts';
import type { GraphDependencies } from './dependencies.ts';
import { type Fate, findFate, objectsThatStay } from './fate.ts';
import { findChildren } from './found-children.ts';
import { announcedKinds, forgottenItems, isInventoryForeign, rebuildInventory } from './inventory.ts';
import { isKindGone, resourceForRemoval } from './kind-gone.ts';
import { type KindProblem, watchKinds } from './kinds.ts';
import { Ledger } from './ledger.ts';
import { ownerOf } from './owner.ts';
import {
  describeHolds,
  highestWave,
  type RemovalReport,
  removalHeldMs,
  removalProblems,
  removeEntries,
} from './removal-wave.ts';
import type { GraphSession } from './session.ts';
import { statusOfRemoval, statusOfUndecodable } from './status.ts';
import type { StatusWriter } from './status-writer.ts';

/** When to look again at what the watch should have told. */
const WAIT_MS = 15_000;
const AGAIN_MS = 250;
/** The longest that nothing is looked at while the API server wants to be left alone: what is to go may be kept by then. */
const LONGEST_HOLD_MS = 60_000;

export class GraphFinalizer {
  readonly #deps: GraphDependencies;
  readonly #writer: StatusWriter;

  constructor(deps: GraphDependencies, writer: StatusWriter) {
    this.#deps = deps;
    this.#writer = writer;
  }

  /** Removes what can be removed now. What keeps it from going on is said in the graph's status. */
  async finalize(key: NamespacedName, stored: KubeObject, context: ReconcileContext): Promise<Result> {
    if (!hasFinalizer(stored, RESOURCE_GRAPH_FINALIZER)) return DONE;
    try {
      return await this.#finalize(key, stored, context);
    } catch (error) {
      return await this.#report(stored, error, context.signal);
    }
  }

  async #report(stored: KubeObject, error: unknown, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    const decoded = decodeResourceGraph(stored);
    if (!(error instanceof PequodError) || error.retry === 'backoff' || !decoded.ok) throw error;
    const graph = decoded.value;
    const session = this.#deps.sessions.of(graph);
    const previous = session.statusOf(graph);
    const status = statusOfRemoval(
      graph,
      previous,
      previous.inventory,
      [error.message],
      isoSeconds(this.#deps.now()),
    );
    await this.#writer.write(graph, session, status, false, signal);
    return requeueAfter(error.retry === 'never' ? WAIT_MS : longestDelayMs(error.retry));
  }

  async #finalize(key: NamespacedName, stored: KubeObject, context: ReconcileContext): Promise<Result> {
    const { log, signal } = context;
    if (this.#deps.namespaces.get(undefined, key.namespace)?.isTerminating === true) {
      log.info('namespace is being deleted, its objects go with it');
      return await this.#dropFinalizer(stored, signal);
    }
    const decoded = decodeResourceGraph(stored);
    if (!decoded.ok) {
      // Without an inventory that can be read nothing may be deleted, and guessing would be worse than waiting.
      const problems = describeProblems(decoded.problems);
      log.warn({ problems }, 'graph that is being deleted can not be read');
      const error = new TerminalError(`the graph can't be read, its objects are left: ${problems}`, {
        code: 'INVALID_GRAPH',
        reason: 'InvalidGraph',
      });
      const problem = statusOfUndecodable(stored, error, isoSeconds(this.#deps.now()));
      await this.#writer.writeProblem(stored, problem, signal);
      return DONE;
    }
    const graph = decoded.value;
    const held = await this.#hold(graph, signal);
    if (held !== undefined) return held;
    const fate = await findFate(this.#deps.operator, graph, signal);
    if (fate === 'keep') {
      log.info('graph was deleted while its Transform lives, its objects are left alone');
      return await this.#dropFinalizer(stored, signal);
    }
    return await this.#remove(key, stored, graph, fate, context);
  }

  /** Whatever brings the graph here before the API server may be asked again: what is to be said of it is all there is. */
  async #hold(graph: ResourceGraph, signal: AbortSignal): Promise<Result | undefined> {
    const session = this.#deps.sessions.of(graph);
    const { pendingStatus, removalHeldUntilMs = Number.NEGATIVE_INFINITY } = session;
    const heldMs = removalHeldUntilMs - this.#deps.now();
    if (heldMs <= 0) return undefined;
    if (pendingStatus === undefined) return requeueAfter(heldMs);
    const written = await this.#writer.write(graph, session, pendingStatus, true, signal);
    return requeueAfter(written.type === 'deferred' ? Math.min(written.dueInMs, heldMs) : heldMs);
  }

  async #remove(
    key: NamespacedName,
    stored: KubeObject,
    graph: ResourceGraph,
    fate: Exclude<Fate, 'keep'>,
    context: ReconcileContext,
  ): Promise<Result> {
    const { log, signal } = context;
    const session = this.#deps.sessions.of(graph);
    const ledger = await this.#ledger(key, graph, session, context);
    for (;;) {
      const items = ledger.items();
      if (items.length === 0) return await this.#dropFinalizer(stored, signal);
      const report = await this.#removeWave(key, graph, session, ledger, fate, signal);
      for (const { item, result } of report.left) {
        log.info({ object: describeIdentity(item), result }, 'object left the graph');
      }
      const rest = this.#abandonWithoutRights(graph, ledger, report, context);
      // In one pass to the end: the next one would find again what was left here.
      if (ledger.items().length < items.length && isClear(rest)) continue;
      return await this.#wait(graph, session, ledger, rest, signal);
    }
  }

  async #ledger(
    key: NamespacedName,
    graph: ResourceGraph,
    session: GraphSession,
    { aside, log, signal }: ReconcileContext,
  ): Promise<Ledger> {
    const { mapper, children } = this.#deps;
    const status = session.statusOf(graph);
    const isForeign = isInventoryForeign(graph, status);
    const items = isForeign ? [] : (status.inventory?.items ?? []);
    const announced = announcedKinds(graph);
    const request = { key, targets: new Map(), items, announced, mapper, children, aside };
    const kinds = await watchKinds(request, signal);
    const owner = ownerOf(key);
    if (!isForeign) {
      const forgotten = forgottenItems(graph, owner, children.withLabel(key, owner.graphId), items);
      return new Ledger({ graphUID: graph.metadata.uid ?? '', items: [...items, ...forgotten] });
    }
    const mayPassOver = ({ kind, error }: KindProblem): boolean => {
      if (!this.#isGraceOver(graph)) return false;
      log.warn({ kind: kind.kind, error: String(error) }, 'objects of a kind are left: no right to see them');
      return true;
    };
    const found = { ...this.#deps, graph, owner, problems: kinds.problems, mayPassOver };
    return new Ledger(rebuildInventory(graph, owner, await findChildren(found, signal), []));
  }

  async #removeWave(
    key: NamespacedName,
    graph: ResourceGraph,
    session: GraphSession,
    ledger: Ledger,
    fate: Exclude<Fate, 'keep'>,
    signal: AbortSignal,
  ): Promise<RemovalReport> {
    const client = this.#deps.tenancy.clientForDeletion(key.namespace, graph.spec.serviceAccountName);
    const kept = objectsThatStay(key, graph);
    const { children, mapper, now } = this.#deps;
    return await removeEntries(
      {
        ...{ key, session, ledger, children, mapper, now },
        isFinal: true,
        remover: new ObjectRemover(client, ownerOf(key)),
        resourceOf: (item) => resourceForRemoval(this.#deps, item, signal),
        isKindGone: (item) => isKindGone(this.#deps, item, signal),
        isOrphaned: (item) => fate === 'orphan' || item.deletion === 'Orphan' || kept.has(identityKey(item)),
      },
      highestWave(ledger.items()),
      signal,
    );
  }

  /**
   * Rights that stay away for long must not hold a deletion for ever: what can't be touched is left and said.
   * @returns the report without it
   */
  #abandonWithoutRights(
    graph: ResourceGraph,
    ledger: Ledger,
    report: RemovalReport,
    context: ReconcileContext,
  ): RemovalReport {
    if (!this.#isGraceOver(graph)) return report;
    for (const { item, error } of report.failed.filter(({ error }) => isForbidden(error))) {
      ledger.delete(item);
      context.log.warn(
        { object: describeIdentity(item), error: String(error) },
        'object is left: no right to remove it',
      );
    }
    return { ...report, failed: report.failed.filter(({ error }) => !isForbidden(error)) };
  }

  #isGraceOver(graph: ResourceGraph): boolean {
    const deletedAtMs = Date.parse(graph.metadata.deletionTimestamp ?? '');
    return this.#deps.now() - deletedAtMs > this.#deps.limits.identityGoneGraceMs;
  }

  /** Who lacks the rights, and how long that is waited for. */
  async #whyForbidden(
    graph: ResourceGraph,
    report: RemovalReport,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    if (!report.failed.some(({ error }) => isForbidden(error))) return [];
    const { namespace = '' } = graph.metadata;
    const { serviceAccountName } = graph.spec;
    const minutes = Math.round(this.#deps.limits.identityGoneGraceMs / 60_000);
    const rest = `what it can't remove is left ${minutes} minutes after the deletion began`;
    try {
      await this.#deps.tenancy.clientFor(namespace, serviceAccountName, signal);
      return [`service account ${namespace}/${serviceAccountName} lacks rights; ${rest}`];
    } catch (error) {
      signal.throwIfAborted();
      return [`${messageOf(error)}; ${rest}`];
    }
  }

  async #wait(
    graph: ResourceGraph,
    session: GraphSession,
    ledger: Ledger,
    report: RemovalReport,
    signal: AbortSignal,
  ): Promise<Result> {
    const lines = [
      ...(await this.#whyForbidden(graph, report, signal)),
      ...removalProblems(report),
      ...describeHolds(report.held),
    ];
    const status = statusOfRemoval(
      graph,
      session.statusOf(graph),
      ledger.toInventory(),
      lines,
      isoSeconds(this.#deps.now()),
    );
    const heldMs = removalHeldMs(report);
    const holdMs = heldMs === undefined ? undefined : Math.min(heldMs, LONGEST_HOLD_MS);
    session.removalHeldUntilMs = holdMs === undefined ? undefined : this.#deps.now() + holdMs;
    const written = await this.#writer.write(graph, session, status, true, signal);
    const landsInMs = Math.max(1, (report.landsByMs ?? Number.POSITIVE_INFINITY) - this.#deps.now());
    const againInMs = report.again.length > 0 ? AGAIN_MS : (holdMs ?? Math.min(WAIT_MS, landsInMs));
    return requeueAfter(written.type === 'deferred' ? Math.min(written.dueInMs, againInMs) : againInMs);
  }

  async #dropFinalizer(stored: KubeObject, signal: AbortSignal): Promise<Result> {
    const { namespace, name } = stored.metadata;
    const current = this.#deps.graphs.get(namespace, name) ?? stored;
    // A new graph of that name needs its finalizer.
    if (current.metadata.uid !== stored.metadata.uid) return DONE;
    const patch = removeFinalizerPatch(current, RESOURCE_GRAPH_FINALIZER);
    if (patch === undefined) return DONE;
    try {
      await this.#deps.operator.jsonPatch(RESOURCE_GRAPHS, { namespace, name }, patch, {}, signal);
      return DONE;
    } catch (error) {
      if (isNotFound(error)) return DONE;
      if (isConflict(error) || isPatchRejected(error)) return REQUEUE;
      throw error;
    }
  }
}

function isClear(report: RemovalReport): boolean {
  const { waiting, again, held, failed } = report;
  return waiting.length + again.length + held.length + failed.length === 0;
}
