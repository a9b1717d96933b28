// Phase "prune": takes out what the graph has no node for, the highest wave first. What stays for now is said in the
// condition `Pruned`, and since when it could have gone is kept in the inventory, for its grace period.
import { describeIdentity, type InventoryItem } from '../../api/index.ts';
import { ObjectRemover } from '../../apply/index.ts';
import { isoSeconds, type PruneBlock, whyNotPruned } from '../../graph/index.ts';
import { whyPruningIsHeld, withExports } from './exports.ts';
import { isKindGone, resourceForRemoval } from './kind-gone.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import { dropAliases, prunableItems, rebuiltItems, standingOf } from './prune.ts';
import { ALL_GONE, type PrunedState } from './pruned-condition.ts';
import {
  describeHolds,
  highestWave,
  observedHold,
  type RemovalReport,
  removalProblems,
  removeEntries,
} from './removal-wave.ts';

/** What is left to be removed after a pass, and when to look again. */
export interface Pruning {
  /** Objects on their way out, in words. */
  readonly removing: readonly string[];
  /** Undefined where there was nothing to prune. */
  readonly pruned: PrunedState | undefined;
  readonly againInMs: number | undefined;
}

const NOTHING_TO_PRUNE: Pruning = { removing: [], pruned: undefined, againInMs: undefined };
/** When to look again at an object whose removal failed or was overtaken. */
const REMOVAL_RETRY_MS = 10_000;
const REMOVAL_AGAIN_MS = 250;
const HELD_RETRY_MS = 60_000;

/** Removes the highest wave of what may go now, or says why nothing goes. */
export async function prune(
  run: PassRun,
  prepared: Prepared,
  isSuperseded: boolean,
  signal: AbortSignal,
): Promise<Pruning> {
  dropAliases(prepared.ledger, prepared.targets);
  const items = prunableItems(prepared.ledger, prepared.targets);
  if (items.length === 0) return keptOnly(rebuiltItems(prepared.ledger, prepared.targets));
  const block = blockOf(run, prepared);
  if (block !== undefined) return blocked(items, block);
  if (isSuperseded) return changed(items);
  const wave = highestWave(items);
  const held = observedHolds(run, wave);
  const free = wave.filter((item) => !held.some((each) => each.item === item));
  if (free.length === 0) return pruningOf(run, prepared, NO_REPORT, held);
  const standing = await standingOf(run.operator, run.graph, signal);
  if (standing === 'changed') return changed(items);
  if (standing === 'edited') return blocked(items, EDITED);
  const report = await removeEntries(removalRun(run, prepared, signal), free, signal);
  for (const { item, result } of report.left) {
    run.log.info({ object: describeIdentity(item), result }, 'object left the graph');
  }
  return pruningOf(run, prepared, report, held);
}

const NO_REPORT: RemovalReport = {
  waiting: [],
  again: [],
  held: [],
  left: [],
  failed: [],
  landsByMs: undefined,
};

const REBUILT = {
  reason: 'Rebuilt',
  message: 'found again after the inventory was lost, and kept until the Transform goes',
} as const;

const EDITED = {
  reason: 'GraphEdited',
  message: 'the nodes of the graph were last written by someone else than the operator',
} as const;

function blockOf(
  { graph }: PassRun,
  { pass, plan, exportsOf, targets, ledger }: Prepared,
): PruneBlock | undefined {
  const { nodes, prunePolicy } = graph.spec;
  const statuses = withExports(pass.statuses(), exportsOf);
  const isApplied = (nodeId: string): boolean => {
    const target = targets.get(nodeId);
    return target !== undefined && ledger.get(target.identity)?.uid !== undefined;
  };
  const lost = whyPruningIsHeld(plan, statuses, isApplied);
  if (lost !== undefined) return { reason: 'Unresolved', message: lost };
  return whyNotPruned({ nodes, statuses, isFullyApplied: pass.isFullyApplied, policy: prunePolicy });
}

function blocked(
  items: readonly InventoryItem[],
  { reason, message }: { readonly reason: string; readonly message: string },
): Pruning {
  const pruned = { isDone: false, reason, message: `${message}; ${describeLeft(items)}` };
  return { removing: [], pruned, againInMs: undefined };
}

/** Whether what was found again may go is not known: the graph before may have had reasons to keep it. */
function keptOnly(rebuilt: readonly InventoryItem[]): Pruning {
  return rebuilt.length === 0 ? NOTHING_TO_PRUNE : blocked(rebuilt, REBUILT);
}

/** A newer version of the graph is there, and with it its own pass. */
function changed(items: readonly InventoryItem[]): Pruning {
  const waits = { reason: 'WaitingForNodes', message: 'the graph has changed meanwhile' };
  return { ...blocked(items, waits), againInMs: REMOVAL_AGAIN_MS };
}

function isOrphaned(run: PassRun, item: InventoryItem): boolean {
  return item.deletion === 'Orphan' || run.graph.spec.deletionPolicy === 'Orphan';
}

/** What stays by what the watch shows of it: a settled graph with protected objects makes no call for them. */
function observedHolds(run: PassRun, items: readonly InventoryItem[]): RemovalReport['held'] {
  return items.flatMap((item) => {
    if (isOrphaned(run, item) || item.origin === 'Found') return [];
    const seen = run.children.observation(run.key, item, item);
    const hold = observedHold(item, seen?.uid === item.uid ? seen?.annotations : undefined, run.now());
    return hold === undefined ? [] : [{ item, hold }];
  });
}

function removalRun(
  run: PassRun,
  prepared: Prepared,
  signal: AbortSignal,
): Parameters<typeof removeEntries>[0] {
  const { key, graph, session, children, mapper, now } = run;
  const client = run.tenancy.clientForDeletion(key.namespace, graph.spec.serviceAccountName);
  return {
    key,
    session,
    children,
    mapper,
    now,
    ledger: prepared.ledger,
    remover: new ObjectRemover(client, prepared.owner),
    isFinal: false,
    resourceOf: (item) => resourceForRemoval(run, item, signal),
    isKindGone: (item) => isKindGone(run, item, signal),
    isOrphaned: (item) => isOrphaned(run, item),
  };
}

/** @param observed what the watch alone showed to stay; `report.held` is what a look at the object showed */
function pruningOf(
  run: PassRun,
  { ledger, targets }: Prepared,
  report: RemovalReport,
  observed: RemovalReport['held'],
): Pruning {
  const nowMs = run.now();
  const held = [...observed, ...report.held];
  // Whatever keeps it now, its grace period counts from the moment when it could have gone.
  for (const { item } of held) {
    if (item.prunableSince === undefined) ledger.set({ ...item, prunableSince: isoSeconds(nowMs) });
  }
  const left = prunableItems(ledger, targets);
  const removing = removalProblems(report);
  if (left.length === 0) {
    const { pruned = ALL_GONE } = keptOnly(rebuiltItems(ledger, targets));
    return { removing, pruned, againInMs: undefined };
  }
  const pruned = stateOf({ ...report, held }, removing, left);
  return { removing, pruned, againInMs: nextLookMs(report, held, nowMs) };
}

/** The reason that matters most comes first: what fails, what is under way, what stays by itself. */
function stateOf(
  report: RemovalReport,
  removing: readonly string[],
  left: readonly InventoryItem[],
): PrunedState {
  const named = report.waiting.length + report.failed.length + report.held.length;
  const others = left.length > named ? [`${left.length - named} more wait for that`] : [];
  const message = [...removing, ...describeHolds(report.held), ...others].join('; ');
  return { isDone: false, reason: reasonOf(report), message };
}

function reasonOf({ failed, held, waiting, left, again }: RemovalReport): string {
  if (failed.length > 0) return 'RemovalFailed';
  const isMoving = waiting.length + left.length + again.length > 0;
  return isMoving ? 'Removing' : (held[0]?.hold.reason ?? 'Removing');
}

function nextLookMs(report: RemovalReport, held: RemovalReport['held'], nowMs: number): number | undefined {
  if (report.again.length > 0 || report.left.length > 0) return REMOVAL_AGAIN_MS;
  const dueAtMs = held.flatMap(({ hold }) => hold.untilMs ?? []);
  if (report.landsByMs !== undefined) dueAtMs.push(report.landsByMs);
  const delaysMs = dueAtMs.map((dueMs) => Math.max(1, dueMs - nowMs));
  if (report.waiting.length + report.failed.length > 0) delaysMs.push(REMOVAL_RETRY_MS);
  // No watch shows when a Namespace is empty, or an object of a kind that can't be watched.
  if (report.held.length > 0) delaysMs.push(HELD_RETRY_MS);
  return delaysMs.length === 0 ? undefined : Math.min(...delaysMs);
}

/** Names as many objects as a line has room for. */
function describeLeft(items: readonly InventoryItem[]): string {
  const named = items.slice(0, 5).map(describeIdentity);
  const more = items.length > named.length ? [`${items.length - named.length} more`] : [];
  return `left: ${[...named, ...more].join(', ')}`;
}
