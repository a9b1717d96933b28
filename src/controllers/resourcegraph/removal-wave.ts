// Removes one wave of entries, for pruning and for deletion alike; the lower ones wait until it is gone.
//
// Invariant: an entry leaves the ledger only when its object is confirmed gone, released or abandoned, and no write of
// ours is on its way that could bring the object into being after it was found gone, or mark it as ours again after it
// was let go. Until then what was let go is looked at again, and let go again.
import { describeIdentity, type InventoryItem, type NamespacedName } from '../../api/index.ts';
import type { ObjectRemover, RemovalResult } from '../../apply/index.ts';
import { messageOf } from '../../errors.ts';
import { deletionWaves, type Hold, pruneHold } from '../../graph/index.ts';
import { ApiError, isKindNotServed, type Resource, type RestMapper } from '../../kube/index.ts';
import type { Children } from './children.ts';
import type { Ledger } from './ledger.ts';
import type { GraphSession } from './session.ts';

/** What became of one wave of entries. */
export interface RemovalReport {
  /** Entries that are still there, and what they wait for; the watch tells when they go. */
  readonly waiting: readonly { readonly item: InventoryItem; readonly message: string }[];
  /** Entries whose object changed under our hands, to be looked at again soon. */
  readonly again: readonly InventoryItem[];
  /** Entries whose object stays for now, and why. */
  readonly held: readonly { readonly item: InventoryItem; readonly hold: Hold }[];
  /** Entries that left the inventory, and how. */
  readonly left: readonly { readonly item: InventoryItem; readonly result: RemovalResult }[];
  /** Entries whose removal failed, and why. */
  readonly failed: readonly { readonly item: InventoryItem; readonly error: unknown }[];
  /** When to look again at entries that an unanswered write may still reach, in ms since the epoch. */
  readonly landsByMs: number | undefined;
}

export interface RemovalRun {
  readonly key: NamespacedName;
  readonly ledger: Ledger;
  readonly session: Pick<GraphSession, 'forget' | 'landsByMs'>;
  readonly remover: Pick<ObjectRemover, 'remove'>;
  readonly children: Pick<Children, 'observation'>;
  readonly mapper: Pick<RestMapper, 'namespacedKinds'>;
  readonly now: () => number;
  /** True where the Transform goes too. */
  readonly isFinal: boolean;
  /** Undefined where the API server does not serve the entry's kind. */
  readonly resourceOf: (item: InventoryItem) => Promise<Resource | undefined>;
  /** Asked where the API server stops serving a kind that it served a moment ago. */
  readonly isKindGone: (item: InventoryItem) => Promise<boolean>;
  /** True where the object stays. */
  readonly isOrphaned: (item: InventoryItem) => boolean;
}

const MAY_COME = 'is not there, but an unanswered write may still create it';
const MAY_BE_MARKED = 'is let go, but a write from before the restart may still reach it';

/** The entries that are to be removed next: the lower waves have to wait until they are gone. */
export function highestWave(items: readonly InventoryItem[]): readonly InventoryItem[] {
  return deletionWaves(items)[0] ?? [];
}

/**
 * Why an entry's object stays, as far as the watch shows it: without a call.
 * @param observed annotations of the object with the entry's uid
 */
export function observedHold(
  item: InventoryItem,
  observed: Readonly<Record<string, string>> | undefined,
  nowMs: number,
): Hold | undefined {
  return observed === undefined ? undefined : pruneHold(observed, item.prunableSince, nowMs);
}

/** Removes these entries. What is in the way of each is in the report; only an abort of `signal` is thrown. */
export async function removeEntries(
  run: RemovalRun,
  items: readonly InventoryItem[],
  signal: AbortSignal,
): Promise<RemovalReport> {
  const waiting: { item: InventoryItem; message: string }[] = [];
  const again: InventoryItem[] = [];
  const held: { item: InventoryItem; hold: Hold }[] = [];
  const left: { item: InventoryItem; result: RemovalResult }[] = [];
  const failed: { item: InventoryItem; error: unknown }[] = [];
  const landings: number[] = [];
  const leave = (item: InventoryItem, result: RemovalResult): void => {
    run.ledger.delete(item);
    run.session.forget(item);
    left.push({ item, result });
  };
  const removeOne = async (item: InventoryItem): Promise<void> => {
    try {
      // Before the call: what lands while it is under way is not seen by it.
      const atMs = run.now();
      const result = await removeItem(run, item, signal);
      if (typeof result !== 'string') held.push({ item, hold: result });
      else if (result === 'pending') waiting.push({ item, message: describePending(run, item) });
      else if (result === 'again') again.push(item);
      else {
        const landsByMs = run.session.landsByMs(item, atMs);
        if (landsByMs === undefined) leave(item, result);
        else {
          landings.push(landsByMs);
          waiting.push({ item, message: result === 'gone' ? MAY_COME : MAY_BE_MARKED });
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ item, error });
    }
  };
  await Promise.all(items.map(removeOne));
  const landsByMs = landings.length === 0 ? undefined : Math.min(...landings);
  // Not in the order of the answers: what a status names first would change with every look.
  const place = new Map(items.map((item, at) => [item, at]));
  const inOrder = <T extends { readonly item: InventoryItem }>(list: readonly T[]): readonly T[] =>
    list.toSorted((one, other) => (place.get(one.item) ?? 0) - (place.get(other.item) ?? 0));
  return {
    waiting: inOrder(waiting),
    again,
    held: inOrder(held),
    left,
    failed: inOrder(failed),
    landsByMs,
  };
}

async function removeItem(
  run: RemovalRun,
  item: InventoryItem,
  signal: AbortSignal,
): Promise<Hold | RemovalResult> {
  const resource = await run.resourceOf(item);
  // A kind that is not served has no objects; `resourceOf` throws where it is not sure of that.
  if (resource === undefined) return 'gone';
  const observation = run.children.observation(run.key, resource, item);
  const removal = {
    resource,
    entry: item,
    isOrphaned: run.isOrphaned(item),
    observation,
    isFinal: run.isFinal,
    nowMs: run.now(),
    namespacedKinds: (inner: AbortSignal) => run.mapper.namespacedKinds(inner),
  };
  try {
    return await run.remover.remove(removal, signal);
  } catch (error) {
    if (isKindNotServed(error) && (await run.isKindGone(item))) return 'gone';
    throw error;
  }
}

/** Finalizers name whoever has still to do something. Those of the API server itself end with the object's dependents. */
function describePending(run: RemovalRun, item: InventoryItem): string {
  const observation = run.children.observation(run.key, item, item);
  const since = observation?.deletionTimestamp;
  const finalizers = observation?.finalizers ?? [];
  const head = since === undefined ? 'is being deleted' : `is being deleted since ${since}`;
  return finalizers.length === 0 ? head : `${head}, and waits for ${finalizers.join(', ')}`;
}

/**
 * How long nothing can come of another look, in ms: all that failed may not be asked for before its time, since the API
 * server wants to be left alone, and nothing else is under way. Undefined where there is something to look at.
 */
export function removalHeldMs({ failed, waiting, again }: RemovalReport): number | undefined {
  if (failed.length === 0 || waiting.length + again.length > 0) return undefined;
  const askedMs = failed.flatMap(({ error }) =>
    error instanceof ApiError && error.retryAfterMs !== undefined ? [error.retryAfterMs] : [],
  );
  return askedMs.length === failed.length ? Math.min(...askedMs) : undefined;
}

/** What is still on its way out, a line an object. */
export function removalProblems(report: RemovalReport): readonly string[] {
  const failed = report.failed.map(
    ({ item, error }) => `${describeIdentity(item)} can't be removed: ${messageOf(error, 200)}`,
  );
  const waiting = report.waiting.map(({ item, message }) => `${describeIdentity(item)} ${message}`);
  return [...failed, ...waiting];
}

/** What stays for now, a line an object. */
export function describeHolds(held: RemovalReport['held']): readonly string[] {
  return held.map(({ item, hold }) => `${describeIdentity(item)} ${hold.message}`);
}
