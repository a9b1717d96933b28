// Why an object that left the graph stays where it is for now. What can't be understood counts as a reason to stay:
// nothing is deleted on unknowns.
import { durationMs, PRUNE_GRACE_PERIOD_ANNOTATION, PRUNE_PROTECTION_ANNOTATION } from '../api/index.ts';
import { isoSeconds } from './node-state.ts';

export type HoldReason = 'GracePeriod' | 'InUse' | 'Protected' | 'Unknown';

/** Why an object is not removed. */
export interface Hold {
  readonly reason: HoldReason;
  /** Reads on after the name of the object. */
  readonly message: string;
  /** Milliseconds since the epoch; absent where only a change of the world ends it. */
  readonly untilMs?: number;
}

type Annotations = Readonly<Record<string, string | undefined>>;

/** True where the object asks to be spared. A value that is neither yes nor no counts as yes. */
export function isProtected(annotations: Annotations | undefined): boolean {
  const value = annotations?.[PRUNE_PROTECTION_ANNOTATION];
  return value !== undefined && value.toLowerCase() !== 'false';
}

/**
 * What the object's own annotations say against pruning it now; undefined where it may go.
 * @param prunableSince RFC 3339; since when it could have been pruned. Absent or unreadable: since now.
 */
export function pruneHold(
  annotations: Annotations | undefined,
  prunableSince: string | undefined,
  nowMs: number,
): Hold | undefined {
  if (isProtected(annotations)) {
    return { reason: 'Protected', message: `is protected by its annotation ${PRUNE_PROTECTION_ANNOTATION}` };
  }
  const text = annotations?.[PRUNE_GRACE_PERIOD_ANNOTATION];
  if (text === undefined) return undefined;
  const graceMs = durationMs(text);
  if (graceMs === undefined) {
    const message = `is kept: its annotation ${PRUNE_GRACE_PERIOD_ANNOTATION} is no duration such as 30m`;
    return { reason: 'Unknown', message };
  }
  const untilMs = prunableSinceMs(prunableSince, nowMs) + graceMs;
  if (untilMs <= nowMs) return undefined;
  return { reason: 'GracePeriod', message: `goes at ${timeText(untilMs)}`, untilMs };
}

/** A time in the future, as after a clock that was wrong, does not make a grace period longer. */
function prunableSinceMs(prunableSince: string | undefined, nowMs: number): number {
  const sinceMs = Date.parse(prunableSince ?? '');
  return Number.isNaN(sinceMs) ? nowMs : Math.min(sinceMs, nowMs);
}

/** Last moment that a `Date` can hold. */
const MAX_TIME_MS = 8.64e15;

/** The second in which the moment is over. */
function timeText(timeMs: number): string {
  return isoSeconds(Math.min(Math.ceil(timeMs / 1_000) * 1_000, MAX_TIME_MS));
}
