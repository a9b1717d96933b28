// Phase "prune": takes out what the graph has no node for.
import { identityKey } from '../../api/index.ts';
import { ObjectRemover } from '../../apply/index.ts';
import { isKindGone, resourceForRemoval } from './kind-gone.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import { dropAliases, isStillCurrent, prunableItems, removalProblems, removeHighestWave } from './prune.ts';
import { isMirrored } from './targets.ts';

/** What is left to be removed after a pass, and when to look again. */
export interface Pruning {
  readonly removing: readonly string[];
  readonly againInMs: number | undefined;
}

export const NOTHING_TO_PRUNE: Pruning = { removing: [], againInMs: undefined };
/** When to look again at an object whose removal failed or was overtaken. */
const REMOVAL_RETRY_MS = 10_000;
const REMOVAL_AGAIN_MS = 250;

/** Removes the highest wave of what may go now. */
export async function prune(run: PassRun, prepared: Prepared, signal: AbortSignal): Promise<Pruning> {
  const { key, graph } = run;
  dropAliases(prepared.ledger, prepared.targets);
  const items = prunableItems(prepared.ledger, prepared.targets);
  if (items.length === 0) return NOTHING_TO_PRUNE;
  if (!(await isStillCurrent(run.operator, graph, signal)))
    return { removing: [], againInMs: REMOVAL_AGAIN_MS };
  const mirrored = new Set(
    [...prepared.targets.values()].filter(isMirrored).map(({ identity }) => identityKey(identity)),
  );
  const client = run.tenancy.clientForDeletion(key.namespace, graph.spec.serviceAccountName);
  const report = await removeHighestWave(
    {
      key,
      ledger: prepared.ledger,
      remover: new ObjectRemover(client, prepared.owner),
      children: run.children,
      resourceOf: (item) => resourceForRemoval(run, item, signal),
      isKindGone: (item) => isKindGone(run, item, signal),
      isOrphaned: (item) =>
        mirrored.has(identityKey(item)) ||
        item.deletion === 'Orphan' ||
        graph.spec.deletionPolicy === 'Orphan',
    },
    items,
    signal,
  );
  for (const { item, result } of report.left) {
    run.log.info({ kind: item.kind, object: item.name, result }, 'object left the graph');
  }
  const left = prunableItems(prepared.ledger, prepared.targets).length;
  const againInMs =
    report.again.length > 0 || (left > 0 && report.left.length > 0) ? REMOVAL_AGAIN_MS : REMOVAL_RETRY_MS;
  return { removing: removalProblems(report), againInMs: left === 0 ? undefined : againInMs };
}
