// One node within a pass: what is left to do, what it is, and what it holds back.
import type { NodeStatus } from '../api/index.ts';
import { assertNever } from '../errors.ts';
import { moveNode, type NodeMove } from './node-state.ts';
import type { Readiness } from './readiness.ts';

/**
 * `create`: not in the cluster yet; `update`: differs from what was last sent; `repair`: drifted or deleted; `wait`: not
 * known yet what is to be written: it is never started, and nothing is fully applied while there is such a node.
 */
export type NodeWork = 'none' | 'create' | 'update' | 'repair' | 'wait';

/** Work that can be started. */
export type StartableWork = Exclude<NodeWork, 'none' | 'wait'>;

/** Reason of a node that waits for values of others. */
export const WAITING_FOR_VALUES = 'WaitingForValues' as const;

export interface NodeInput {
  /** As stored, or fresh (`{phase: 'Pending'}`, with `readyAt` where known) where the node's spec changed. */
  readonly status: NodeStatus;
  readonly work: NodeWork;
  /** The node differs from the graph that was executed before: it changed in this renderHash. */
  readonly isChanged: boolean;
  readonly wasEverReady: boolean;
  /** As observed now. */
  readonly readiness: Readiness;
}

/** What a node holds back of its dependents: nothing, their creation, or their update too. */
export type Hold = 0 | 1 | 2;

export interface Entry {
  readonly index: number;
  readonly id: string;
  readonly isChanged: boolean;
  status: NodeStatus;
  /** What is left to do. */
  work: NodeWork;
  /** How far the node has come in this pass. */
  progress: 'idle' | 'queued' | 'flying' | 'succeeded' | 'failed';
  readiness: Readiness;
  wasEverReady: boolean;
  /** What this node does to its dependents now. */
  holds: Hold;
  /** How many dependencies hold this node back. */
  heldBy: number;
  /** Not to be started before this time; 0 for at once. */
  notBeforeMs: number;
}

/** The entry at the start of a pass. A node that is about to be created or updated is not Ready, whatever it was. */
export function newEntry(index: number, id: string, input: NodeInput, nowMs: number, nowIso: string): Entry {
  const { status, work, isChanged, wasEverReady, readiness } = input;
  const nextAttemptMs = status.nextAttemptAt === undefined ? 0 : Date.parse(status.nextAttemptAt);
  const entry: Entry = {
    index,
    id,
    isChanged,
    status,
    work,
    progress: 'idle',
    readiness,
    wasEverReady,
    holds: 0,
    heldBy: 0,
    notBeforeMs: work !== 'none' && nextAttemptMs > nowMs ? nextAttemptMs : 0,
  };
  const isOutdated = work === 'create' || work === 'update' || work === 'wait';
  if (isOutdated && status.phase !== 'Pending' && status.phase !== 'Error') {
    moveEntry(entry, { phase: 'Pending' }, nowIso);
  }
  if (work === 'none' && status.phase === 'Pending') moveEntry(entry, { phase: 'Applied' }, nowIso);
  // "Since" has to start somewhere for a node that has no status yet.
  if (entry.status.phase === 'Pending' && entry.status.lastTransitionTime === undefined) {
    entry.status = { ...entry.status, lastTransitionTime: nowIso };
  }
  settleEntry(entry, readiness, nowIso);
  entry.holds = holdsOf(entry);
  return entry;
}

export function moveEntry(entry: Entry, move: NodeMove, nowIso: string): void {
  entry.status = moveNode(entry.status, move, nowIso);
}

/** Takes in what the object looks like. What is yet to be applied, or failed to be, is not judged by the old object. */
export function settleEntry(entry: Entry, readiness: Readiness, nowIso: string): void {
  entry.readiness = readiness;
  const { phase } = entry.status;
  const isJudged =
    entry.work === 'none' || (entry.work === 'repair' && (phase === 'Applied' || phase === 'Ready'));
  if (!isJudged || phase === 'Pending') return;
  const { reason, message } = readiness;
  switch (readiness.state) {
    case 'ready':
      if (phase === 'Error') moveEntry(entry, { phase: 'Applied' }, nowIso);
      moveEntry(entry, { phase: 'Ready' }, nowIso);
      entry.wasEverReady = true;
      return;
    case 'waiting':
      moveEntry(entry, { phase: 'Applied', reason, message }, nowIso);
      return;
    case 'failed':
      moveEntry(entry, { phase: 'Error', reason, message }, nowIso);
      return;
    default:
      assertNever(readiness.state);
  }
}

/**
 * A node that is not ready holds back the creation of its dependents; their update only if it changed together with
 * them or never was ready, so that a degraded dependency does not block the fix of what depends on it.
 */
export function holdsOf(entry: Entry): Hold {
  if (entry.status.phase === 'Ready') return 0;
  return entry.isChanged || !entry.wasEverReady ? 2 : 1;
}

/** From which hold on a dependency stops this node: a creation by any, an update by the strong one, a repair by none. */
export function holdLimit(entry: Entry): number {
  switch (entry.work) {
    case 'create':
      return 1;
    case 'update':
      return 2;
    case 'repair':
    case 'none':
    case 'wait':
      return Number.POSITIVE_INFINITY;
    default:
      return assertNever(entry.work);
  }
}

export function isHeldBy(entry: Entry, dependency: Entry): boolean {
  return dependency.holds >= holdLimit(entry);
}
