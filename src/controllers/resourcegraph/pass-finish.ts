// Phase "status": what came of the pass, and when to look again.
import { isoSeconds } from '../../graph/index.ts';
import { DONE, REQUEUE, type Result, requeueAfter } from '../../runtime/index.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import type { Pruning } from './pass-prune.ts';
import { handledReconcile, statusOfOutcome } from './status.ts';
import { deadlineInMs } from './status-progress.ts';

/** What the status is made from. */
export function outcomeOf(
  prepared: Prepared,
  removing: readonly string[],
): Parameters<typeof statusOfOutcome>[2] {
  const { pass, ledger } = prepared;
  return { summary: pass.summary(), nodeStatus: pass.statuses(), inventory: ledger.toInventory(), removing };
}

/** Writes the status if it changed. */
export async function finish(
  run: PassRun,
  prepared: Prepared,
  pruning: Pruning,
  signal: AbortSignal,
): Promise<Result> {
  const { graph, session, writer } = run;
  const outcome = outcomeOf(prepared, pruning.removing);
  const status = {
    ...statusOfOutcome(graph, prepared.status, outcome, isoSeconds(run.now())),
    ...handledReconcile(graph),
  };
  const isProgress = outcome.summary.phase === 'Executing' || outcome.summary.phase === 'Pending';
  const written = await writer.write(graph, session, status, isProgress, signal);
  if (written.type === 'stale') return REQUEUE;
  const wakeAtMs = prepared.pass.nextWakeAtMs;
  const deadlineMs = deadlineInMs(graph, status, run.now());
  const dueInMs = [
    ...(deadlineMs === undefined ? [] : [deadlineMs]),
    ...(written.type === 'deferred' ? [written.dueInMs] : []),
    ...(wakeAtMs === undefined ? [] : [Math.max(0, wakeAtMs - run.now())]),
    ...(pruning.againInMs === undefined ? [] : [pruning.againInMs]),
  ];
  return dueInMs.length === 0 ? DONE : requeueAfter(Math.min(...dueInMs));
}
