// Phase "status": what came of the pass, and when to look again.
import { isoSeconds } from '../../graph/index.ts';
import { DONE, REQUEUE, type Result, requeueAfter } from '../../runtime/index.ts';
import { uselessResources, withAdoptions } from './adoption.ts';
import { UNREAD_RETRY_MS } from './answers.ts';
import { areEqualButForExports, withExports } from './exports.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import type { Pruning } from './pass-prune.ts';
import { askForSigns } from './signs.ts';
import { handledReconcile, type Outcome, statusOfOutcome } from './status.ts';
import { deadlineInMs } from './status-progress.ts';

/** What the status is made from; `pruning` is undefined where the pass has not come to it. */
export function outcomeOf(prepared: Prepared, pruning: Outcome['pruning']): Outcome {
  const { pass, ledger, targets, adoptions } = prepared;
  const statuses = withExports(pass.statuses(), prepared.exportsOf);
  return {
    summary: pass.summary(),
    nodeStatus: withAdoptions(statuses, targets, ledger, adoptions),
    inventory: ledger.toInventory(),
    pruning,
    unadoptable: uselessResources(adoptions),
  };
}

/** Values of a settled graph's objects may change as often as they like: they are told as progress is. */
function isNewsOfExports({ plan, status }: Prepared, { summary, nodeStatus }: Outcome): boolean {
  if (summary.phase !== status.phase || !plan.nodes.some(({ node }) => node.exports !== undefined))
    return false;
  return areEqualButForExports(status.nodeStatus, nodeStatus);
}

/** Writes the status if it changed. */
export async function finish(
  run: PassRun,
  prepared: Prepared,
  pruning: Pruning,
  signal: AbortSignal,
): Promise<Result> {
  const { graph, session, writer } = run;
  const outcome = outcomeOf(prepared, pruning);
  const status = {
    ...statusOfOutcome(graph, prepared.status, outcome, isoSeconds(run.now())),
    ...handledReconcile(graph),
  };
  askForSigns(run, prepared.targets, outcome.nodeStatus);
  const isProgress =
    outcome.summary.phase === 'Executing' ||
    outcome.summary.phase === 'Pending' ||
    isNewsOfExports(prepared, outcome);
  const written = await writer.write(graph, session, status, isProgress, signal);
  if (written.type === 'stale') return REQUEUE;
  const wakeAtMs = prepared.pass.nextWakeAtMs;
  const deadlineMs = deadlineInMs(graph, status, run.now());
  const dueInMs = [
    ...(deadlineMs === undefined ? [] : [deadlineMs]),
    ...(written.type === 'deferred' ? [written.dueInMs] : []),
    ...(wakeAtMs === undefined ? [] : [Math.max(0, wakeAtMs - run.now())]),
    ...(prepared.isAnswerMissing ? [UNREAD_RETRY_MS] : []),
    ...(session.glimpses.nextAtMs === undefined ? [] : [Math.max(0, session.glimpses.nextAtMs - run.now())]),
    ...(pruning.againInMs === undefined ? [] : [pruning.againInMs]),
  ];
  return dueInMs.length === 0 ? DONE : requeueAfter(Math.min(...dueInMs));
}
