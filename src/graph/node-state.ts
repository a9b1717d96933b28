// The states of a node. What may follow what is one table; every change of a node's status goes through `moveNode`,
// which also decides what of the old status survives:
// - `lastTransitionTime` changes only with the phase;
// - `readyAt` stays when a node leaves Ready (it says that the node once was), and is renewed when it comes back;
// - `appliedAt` changes only with an apply; `attempts` counts failures in a row until one succeeds;
// - a settled node, Ready, carries neither of these nor reason or message: only `phase`, `readyAt` and what others added.
import type { NodePhase, NodeStatus } from '../api/index.ts';

/** Reason of a node that was not ready in time. */
export const READINESS_TIMEOUT = 'ReadinessTimeout' as const;

const MOVES: { readonly [from in NodePhase]: readonly NodePhase[] } = {
  Pending: ['Pending', 'Applied', 'Error'],
  Applied: ['Applied', 'Ready', 'Error', 'Pending'],
  Ready: ['Ready', 'Applied', 'Error', 'Pending'],
  Error: ['Error', 'Applied', 'Pending'],
};

export type NodeMove =
  | {
      readonly phase: 'Pending';
      readonly reason?: string;
      readonly message?: string;
      readonly attempts?: number;
      readonly nextAttemptAt?: string;
    }
  | {
      readonly phase: 'Applied';
      /** An apply has just succeeded: sets `appliedAt` and forgets failures. */
      readonly isApply?: boolean;
      readonly reason?: string;
      readonly message?: string;
    }
  | { readonly phase: 'Ready' }
  | {
      readonly phase: 'Error';
      readonly reason: string;
      readonly message: string;
      readonly attempts?: number;
      readonly nextAttemptAt?: string;
    };

/** True where the table allows the move. Staying is always allowed. */
export function isLegalMove(from: NodePhase, to: NodePhase): boolean {
  return MOVES[from].includes(to);
}

/**
 * The status after a move; the same object where nothing changes.
 * @throws Error for a move that the table does not have: that is a bug, not a state of the world.
 */
export function moveNode(status: NodeStatus, move: NodeMove, nowIso: string): NodeStatus {
  if (!isLegalMove(status.phase, move.phase)) {
    throw new Error(`illegal move of a node from ${status.phase} to ${move.phase}`);
  }
  const next = afterMove(status, move, nowIso);
  return isSame(status, next) ? status : next;
}

function afterMove(status: NodeStatus, move: NodeMove, nowIso: string): NodeStatus {
  const {
    phase,
    reason: _reason,
    message: _message,
    readyDetails: _readyDetails,
    nextAttemptAt: _nextAttemptAt,
    lastError,
    attempts,
    appliedAt,
    readyAt,
    lastTransitionTime,
    ...others
  } = status;
  const isMoved = phase !== move.phase;
  if (move.phase === 'Ready') {
    return { ...others, phase: 'Ready', readyAt: isMoved ? nowIso : (readyAt ?? nowIso) };
  }
  const kept = {
    ...others,
    phase: move.phase,
    ...given('reason', move.reason),
    ...given('message', move.message),
    ...given('readyAt', readyAt),
    lastTransitionTime: isMoved ? nowIso : (lastTransitionTime ?? nowIso),
  };
  if (move.phase === 'Applied') {
    const details = { ...given('readyDetails', move.message), ...given('appliedAt', appliedAt) };
    if (move.isApply === true) return { ...kept, ...details, appliedAt: nowIso };
    return { ...kept, ...details };
  }
  return {
    ...kept,
    ...given('appliedAt', appliedAt),
    ...given('lastError', move.phase === 'Error' ? move.message : lastError),
    ...given('attempts', move.attempts ?? attempts),
    ...given('nextAttemptAt', move.nextAttemptAt),
  };
}

/** A member that is there only where it has a value, as exact optional properties want it. */
function given<K extends string>(key: K, value: string | number | undefined): object {
  return value === undefined ? {} : { [key]: value };
}

function isSame(one: NodeStatus, other: NodeStatus): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

/** When the node last changed towards what it is, for "since …" and as the start of a readiness timeout. */
export function sinceOf(status: NodeStatus): string | undefined {
  return status.lastTransitionTime ?? status.appliedAt ?? status.readyAt;
}

/**
 * Where a readiness timeout of the node starts, in ms: its last apply, or, where a settled node degraded, that moment.
 * What degraded and timed out has moved since: its time is over, and does not begin anew with that move.
 */
export function readinessStartMs(status: NodeStatus): number | undefined {
  if (status.reason === READINESS_TIMEOUT && status.appliedAt === undefined) return 0;
  const start = status.appliedAt ?? (status.phase === 'Ready' ? undefined : status.lastTransitionTime);
  return start === undefined ? undefined : Date.parse(start);
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function isoSeconds(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
