// Phase "status": what came of the pass, and when to look again.
import { isoSeconds } from '../../graph/index.ts';
import { DONE, REQUEUE, type Result, requeueAfter } from '../../runtime/index.ts';
import { uselessResources, withAdoptions } from './adoption.ts';
import { UNREAD_RETRY_MS } from './answers.ts';
import { describeDrift, driftPolicyOf, driftSign, type OpenDrift, openDrifts } from './drift.ts';
import { areEqualButForExports, withExports } from './exports.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import type { Pruning } from './pass-prune.ts';
import { askForSigns } from './signs.ts';
import { handledReconcile, type Outcome, statusOfOutcome } from './status.ts';
import { deadlineInMs } from './status-progress.ts';

/** What the status is made from while the pass is not over. */
export function outcomeOf(prepared: Prepared): Outcome {
  const { pass, ledger, adoptions } = prepared;
  const statuses = withExports(pass.statuses(), prepared.exportsOf);
  return {
    summary: pass.summary(),
    nodeStatus: withAdoptions(statuses, prepared),
    inventory: ledger.toInventory(),
    pruning: undefined,
    unadoptable: uselessResources(adoptions),
  };
}

/** What others changed and this pass did not put back. */
function driftsOf({ graph, session, children, key, now }: PassRun, prepared: Prepared): readonly OpenDrift[] {
  const { drifted, ledger, owner } = prepared;
  if (drifted.size === 0) return [];
  const policy = driftPolicyOf(graph);
  return openDrifts(policy, drifted, prepared, ({ identity, resource }) => {
    const entry = ledger.get(identity);
    if (entry === undefined || resource === undefined) return describeDrift(undefined);
    const sign = driftSign(entry, children.observation(key, resource, identity), owner.manager);
    if (sign?.state === 'leaving') return ' is being deleted';
    return describeDrift(
      policy === 'correct'
        ? session.drift.lastRepair(identity)
        : session.drift.lookAt(identity, sign?.key, now())?.drift,
    );
  });
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
  const outcome = { ...outcomeOf(prepared), pruning, drifts: driftsOf(run, prepared) };
  const found = {
    ...statusOfOutcome(graph, prepared.status, outcome, isoSeconds(run.now())),
    ...handledReconcile(graph),
  };
  const isWrittenAnyway = (): boolean => writer.isNews(graph, found);
  const repair = session.drift.due(found.lastDrift, isWrittenAnyway, run.now());
  const status = repair.record === undefined ? found : { ...found, lastDrift: repair.record };
  askForSigns(run, prepared.targets, outcome.nodeStatus);
  const isProgress =
    outcome.summary.phase === 'Executing' ||
    outcome.summary.phase === 'Pending' ||
    isNewsOfExports(prepared, outcome);
  const written = await writer.write(graph, session, status, isProgress, signal);
  if (written.type === 'stale') return REQUEUE;
  if (repair.record !== undefined) session.drift.recorded(repair.record, run.now());
  const lookAtMs = session.drift.nextLookAtMs;
  const wakeAtMs = prepared.pass.nextWakeAtMs;
  const deadlineMs = deadlineInMs(graph, status, run.now());
  const dueInMs = [
    ...(deadlineMs === undefined ? [] : [deadlineMs]),
    ...(written.type === 'deferred' ? [written.dueInMs] : []),
    ...(wakeAtMs === undefined ? [] : [Math.max(0, wakeAtMs - run.now())]),
    ...(prepared.isAnswerMissing ? [UNREAD_RETRY_MS] : []),
    ...(pruning.againInMs === undefined ? [] : [pruning.againInMs]),
    ...(repair.dueInMs === undefined ? [] : [repair.dueInMs]),
    ...(lookAtMs === undefined ? [] : [Math.max(0, lookAtMs - run.now())]),
  ];
  const { nextAtMs } = session.glimpses;
  const glimpseInMs = nextAtMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, nextAtMs - run.now());
  const soonestMs = Math.min(...dueInMs);
  if (glimpseInMs < soonestMs) return requeueAfter(glimpseInMs, 'low');
  return soonestMs === Number.POSITIVE_INFINITY ? DONE : requeueAfter(soonestMs);
}
