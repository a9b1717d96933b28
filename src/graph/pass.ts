// One pass over a plan: which nodes may start now, and what becomes of them. No I/O, no clock, no chance of its own, so
// that a pass can be replayed from its inputs. The caller applies what `takeStartable` hands out and reports back.
//
// Invariants:
// - a node starts at most once in a pass, and never more than `concurrency` are in flight;
// - a node is created only while each of its dependencies is Ready; it is updated while none of them that changed with it
//   or never was Ready is unready; it is repaired at any time;
// - all bookkeeping together costs O(V+E) plus a heap's logarithm, and O(dependents) each time a node's readiness flips.
import type { NodeStatus, NodeStatuses } from '../api/index.ts';
import { IndexHeap } from './index-heap.ts';
import { isoSeconds } from './node-state.ts';
import {
  type Entry,
  holdLimit,
  holdsOf,
  isHeldBy,
  moveEntry,
  type NodeInput,
  newEntry,
  type StartableWork,
  settleEntry,
} from './pass-entry.ts';
import {
  type BlockedNode,
  findBlocked,
  type GraphSummary,
  reportStatuses,
  summarize,
} from './pass-report.ts';
import type { Plan } from './plan.ts';
import type { Readiness } from './readiness.ts';
import { type NodeFailure, retryAt } from './retry.ts';

export interface PassOptions {
  /** Most nodes in flight. */
  readonly concurrency: number;
  /** When the pass starts, in ms. */
  readonly nowMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface StartableNode {
  readonly id: string;
  readonly work: StartableWork;
}

const GONE: Readiness = { state: 'waiting', reason: 'NotFound', message: 'does not exist' };

export class Pass {
  readonly #plan: Plan;
  readonly #entries: readonly Entry[];
  readonly #concurrency: number;
  readonly #random: () => number;
  readonly #queue = new IndexHeap();
  /** Nodes that wait for their next attempt, the earliest last. */
  readonly #delayed: Entry[];
  #inFlight = 0;
  /** The last time that was written out: most calls come at the same one. */
  #lastIso = { nowMs: Number.NaN, text: '' };
  #isStopped = false;

  /** @throws Error when a node of the plan has no input. */
  constructor(plan: Plan, inputs: ReadonlyMap<string, NodeInput>, options: PassOptions) {
    this.#plan = plan;
    this.#concurrency = options.concurrency;
    this.#random = options.random;
    this.#entries = plan.nodes.map(({ id, index }) => {
      const input = inputs.get(id);
      if (input === undefined) throw new Error(`no input for node ${id}`);
      return newEntry(index, id, input, options.nowMs, this.#iso(options.nowMs));
    });
    for (const entry of this.#entries) {
      for (const dependency of this.#dependenciesOf(entry))
        if (isHeldBy(entry, dependency)) entry.heldBy += 1;
    }
    this.#delayed = this.#entries.filter(({ work, notBeforeMs }) => work !== 'none' && notBeforeMs > 0);
    this.#delayed.sort((a, b) => b.notBeforeMs - a.notBeforeMs || b.index - a.index);
    for (const entry of this.#entries) this.#enqueue(entry);
  }

  /** Nothing is in flight and nothing can start: time to record the outcome and return. */
  get isOver(): boolean {
    return this.#inFlight === 0 && (this.#isStopped || !this.#hasStartable());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Every node is in the cluster as this graph wants it; ready or not. What pruning waits for. */
  get isFullyApplied(): boolean {
    return this.#entries.every(({ work }) => work === 'none');
  }

  /** Nodes to start now, in declaration order; they count as in flight until `applied` or `failed`. */
  takeStartable(nowMs: number): readonly StartableNode[] {
    this.#endDelays(nowMs);
    const started: StartableNode[] = [];
    while (!this.#isStopped && this.#inFlight < this.#concurrency && this.#hasStartable()) {
      const entry = this.#entries[this.#queue.pop() ?? -1];
      if (entry === undefined || entry.work === 'none' || entry.work === 'wait') continue;
      entry.progress = 'flying';
      this.#inFlight += 1;
      started.push({ id: entry.id, work: entry.work });
    }
    return started;
  }

  /**
   * The node's object is as wanted; `readiness` is judged from the response.
   * @param isWritten false where it was only looked at: then nothing starts anew, no timeout either
   */
  applied(id: string, readiness: Readiness, nowMs: number, isWritten: boolean = true): void {
    const entry = this.#land(id);
    entry.progress = 'succeeded';
    entry.work = 'none';
    // A repair that left the object ready does not touch a settled status.
    const isSettled = entry.status.phase === 'Ready' && readiness.state === 'ready';
    if (!isSettled && (isWritten || entry.status.phase === 'Pending')) {
      moveEntry(entry, { phase: 'Applied', isApply: true }, this.#iso(nowMs));
    }
    this.#settle(entry, readiness, nowMs);
  }

  /** The node could not be applied; it is not started again in this pass. */
  failed(id: string, failure: NodeFailure, nowMs: number): void {
    const entry = this.#land(id);
    entry.progress = 'failed';
    const attempts = (entry.status.attempts ?? 0) + 1;
    entry.notBeforeMs = retryAt(failure.retry, attempts, nowMs, this.#random);
    const nextAttemptAt = new Date(entry.notBeforeMs).toISOString();
    const { reason, message } = failure;
    const phase = failure.isWaiting === true ? 'Pending' : 'Error';
    moveEntry(entry, { phase, reason, message, attempts, nextAttemptAt }, this.#iso(nowMs));
    this.#updateHolds(entry);
  }

  /** What a watch saw of the node's object in the meantime. */
  observed(id: string, readiness: Readiness | 'gone', nowMs: number): void {
    this.#settle(this.#entryOf(id), readiness === 'gone' ? GONE : readiness, nowMs);
  }

  /** A newer generation or a deletion is there: start nothing more. What is in flight is still taken in. */
  stop(): void {
    this.#isStopped = true;
  }

  /** True for a node that is left as it is until a later time: its try failed, or it is not to be tried yet. */
  isPutOff(id: string): boolean {
    const { work, notBeforeMs } = this.#entryOf(id);
    return work !== 'none' && notBeforeMs > 0;
  }

  /** The stored part of one node's status, at no cost; {@link statuses} adds who holds it back. */
  statusOf(id: string): NodeStatus {
    return this.#entryOf(id).status;
  }

  /** The status of every node, in declaration order; nodes held back name who holds them. */
  statuses(): NodeStatuses {
    return reportStatuses(this.#plan, this.#entries, this.blocked());
  }

  /** The nodes that wait for others, in topological order. */
  blocked(): readonly BlockedNode[] {
    return findBlocked(this.#plan, this.#entries);
  }

  summary(): GraphSummary {
    return summarize(this.#plan, this.statuses());
  }

  /** The earliest retry or readiness deadline: when to look again if nothing else happens. */
  get nextWakeAtMs(): number | undefined {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries) {
      const isRetried = entry.work !== 'none' && entry.notBeforeMs > 0 && entry.heldBy === 0;
      if (isRetried && entry.progress !== 'flying') earliestMs = Math.min(earliestMs, entry.notBeforeMs);
      const deadlineAtMs = entry.status.phase === 'Applied' ? entry.readiness.deadlineAtMs : undefined;
      if (deadlineAtMs !== undefined) earliestMs = Math.min(earliestMs, deadlineAtMs);
    }
    return earliestMs === Number.POSITIVE_INFINITY ? undefined : earliestMs;
  }

  #iso(nowMs: number): string {
    if (this.#lastIso.nowMs !== nowMs) this.#lastIso = { nowMs, text: isoSeconds(nowMs) };
    return this.#lastIso.text;
  }

  #entryOf(id: string): Entry {
    const entry = this.#entries[this.#plan.byId.get(id)?.index ?? -1];
    if (entry === undefined) throw new Error(`the plan has no node ${id}`);
    return entry;
  }

  #land(id: string): Entry {
    const entry = this.#entryOf(id);
    if (entry.progress !== 'flying') throw new Error(`node ${id} is not in flight`);
    this.#inFlight -= 1;
    return entry;
  }

  *#dependenciesOf(entry: Entry): Generator<Entry> {
    for (const index of this.#plan.edges.dependencies[entry.index] ?? []) {
      const dependency = this.#entries[index];
      if (dependency !== undefined) yield dependency;
    }
  }

  #settle(entry: Entry, readiness: Readiness, nowMs: number): void {
    settleEntry(entry, readiness, this.#iso(nowMs));
    this.#updateHolds(entry);
  }

  #updateHolds(entry: Entry): void {
    const before = entry.holds;
    const after = holdsOf(entry);
    if (before === after) return;
    entry.holds = after;
    for (const index of this.#plan.edges.dependents[entry.index] ?? []) {
      const dependent = this.#entries[index];
      if (dependent === undefined) continue;
      const limit = holdLimit(dependent);
      if (before >= limit && after < limit) {
        dependent.heldBy -= 1;
        this.#enqueue(dependent);
      } else if (before < limit && after >= limit) {
        dependent.heldBy += 1;
      }
    }
  }

  #enqueue(entry: Entry): void {
    if (entry.work === 'none' || entry.work === 'wait' || entry.progress !== 'idle') return;
    if (entry.heldBy > 0 || entry.notBeforeMs > 0) return;
    entry.progress = 'queued';
    this.#queue.push(entry.index);
  }

  #endDelays(nowMs: number): void {
    for (let entry = this.#delayed.at(-1); entry !== undefined; entry = this.#delayed.at(-1)) {
      if (entry.notBeforeMs > nowMs) return;
      this.#delayed.pop();
      entry.notBeforeMs = 0;
      this.#enqueue(entry);
    }
  }

  /** Drops queued nodes that have come to be held since, so that the head of the queue may start. */
  #hasStartable(): boolean {
    for (let head = this.#queue.peek(); head !== undefined; head = this.#queue.peek()) {
      const entry = this.#entries[head];
      if (entry?.progress === 'queued' && entry.heldBy === 0) return true;
      if (entry?.progress === 'queued') entry.progress = 'idle';
      this.#queue.pop();
    }
    return false;
  }
}
