// How long a graph may take. The time runs from a change of its nodes (the renderHash) until all of them are Ready with
// it; a graph that was Ready and degrades later is a matter of health, not of progress.
import { durationMs, type Execution, type ResourceGraphStatus } from '../api/index.ts';

/** Reason of a graph that took too long. */
export const PROGRESS_DEADLINE_EXCEEDED = 'ProgressDeadlineExceeded' as const;
/** Where the graph does not say. */
const DEFAULT_DEADLINE = '10m' as const;

/** The execution that is under way; undefined where these nodes are Ready, or once were. */
export function executionAfter(
  previous: Pick<ResourceGraphStatus, 'execution' | 'executedHash'>,
  renderHash: string,
  isReady: boolean,
  nowIso: string,
): Execution | undefined {
  const { execution, executedHash } = previous;
  if (isReady) return undefined;
  if (execution?.renderHash === renderHash) return execution;
  if (execution === undefined && executedHash === renderHash) return undefined;
  return { renderHash, startedAt: nowIso };
}

/** How long the graph has to become ready, and when that is over, in ms. */
export function progressDeadlineOf(
  execution: Execution | undefined,
  progressDeadline: string | undefined,
): { readonly atMs: number; readonly text: string } | undefined {
  if (execution === undefined) return undefined;
  const text = progressDeadline ?? DEFAULT_DEADLINE;
  const limitMs = durationMs(text);
  return limitMs === undefined ? undefined : { atMs: Date.parse(execution.startedAt) + limitMs, text };
}
