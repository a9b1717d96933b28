// Health is what becomes of nodes after they were Ready. Everything here is a function of the status before, the status
// after, and the time, so that it survives a restart and can be replayed.
import type { Execution, NodeStatus, NodeStatuses } from '../api/index.ts';
import { isoSeconds } from './node-state.ts';
import type { GraphSummary } from './pass-report.ts';

/** Setbacks in a row from which on a node is quarantined. */
const QUARANTINE_FROM = 3;
const QUARANTINE_FIRST_MS = 30_000;
const QUARANTINE_MAX_MS = 10 * 60_000;
/** How long a node has to stay Ready until its setbacks are forgotten. */
const STABLE_MS = 10 * 60_000;

/** How the graph is. `Unknown`: it never was Ready. */
export interface Health {
  readonly state: 'Unknown' | 'Healthy' | 'Degraded';
  readonly message: string;
}

/**
 * Health of a graph: that of its worst node. While a change is rolled out (`execution`), a node that was changed by it
 * is not judged; one that nothing was done to is.
 */
export function healthOf(
  wasReady: boolean,
  summary: GraphSummary,
  statuses: NodeStatuses,
  execution: Execution | undefined,
): Health {
  if (summary.phase === 'Ready') return { state: 'Healthy', message: 'all nodes are as they should be' };
  const isBad = ([, status]: readonly [string, NodeStatus | undefined]): boolean =>
    status !== undefined && isDegraded(status, execution !== undefined);
  const degraded = Object.entries(statuses).filter(isBad);
  if (degraded.length === 0) {
    return wasReady
      ? { state: 'Healthy', message: 'what was ready is as it should be' }
      : { state: 'Unknown', message: 'has not been ready yet' };
  }
  const { blockedBy, blockedByNodeId, counts } = summary;
  const isBlocker = degraded.some(([id]) => id === blockedByNodeId);
  const [id = '', status] = degraded[0] ?? [];
  const line =
    isBlocker && blockedBy !== undefined ? blockedBy : `${id}: ${status?.message ?? 'is not ready'}`;
  const total = counts.Pending + counts.Applied + counts.Ready + counts.Error;
  return {
    state: 'Degraded',
    message: `${degraded.length} of ${total} nodes were ready and are not; ${line}`,
  };
}

/** What could not be applied says nothing about what runs. */
function isDegraded(
  { phase, readyAt, appliedAt, nextAttemptAt }: NodeStatus,
  isRollingOut: boolean,
): boolean {
  if (readyAt === undefined || nextAttemptAt !== undefined) return false;
  if (phase === 'Applied') return !isRollingOut || appliedAt === undefined;
  return phase === 'Error';
}

/** The statuses with their setbacks counted, and with the nodes that had too many of them quarantined. */
export function withSetbacks(
  before: NodeStatuses | undefined,
  after: NodeStatuses,
  execution: Execution | undefined,
  nowMs: number,
): NodeStatuses {
  const counted: { [id: string]: NodeStatus | undefined } = {};
  for (const [id, status] of Object.entries(after)) {
    const previous = before?.[id];
    const isSetBack =
      previous?.phase === 'Ready' && status !== undefined && isDegraded(status, execution !== undefined);
    counted[id] = isSetBack ? setBack(previous, status, nowMs) : status;
  }
  return counted;
}

function setBack(previous: NodeStatus, status: NodeStatus, nowMs: number): NodeStatus {
  const { quarantinedUntil: _quarantinedUntil, ...rest } = status;
  const readyForMs = previous.readyAt === undefined ? 0 : nowMs - Date.parse(previous.readyAt);
  const setbacks = (readyForMs >= STABLE_MS ? 0 : (previous.setbacks ?? 0)) + 1;
  if (setbacks < QUARANTINE_FROM) return { ...rest, setbacks };
  const delayMs = Math.min(QUARANTINE_MAX_MS, QUARANTINE_FIRST_MS * 2 ** (setbacks - QUARANTINE_FROM));
  return { ...rest, setbacks, quarantinedUntil: isoSeconds(nowMs + delayMs) };
}
