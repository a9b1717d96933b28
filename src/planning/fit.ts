// A plan as a status can hold it: what is done before what is not, within a number of items and of bytes. Pure.
import { MAX_PLAN_ITEMS } from '../api/crd/index.ts';
import type { PlanAction, PlanItem } from '../api/index.ts';
import { stringifyJson } from '../json/index.ts';

/** Of all items together; the plan is in two statuses, beside an inventory. */
const MAX_BYTES = 96 * 1024;

const RANK: Readonly<Record<PlanAction, number>> = {
  Error: 0,
  Recreate: 1,
  Prune: 2,
  Adopt: 3,
  Create: 4,
  Change: 5,
  Wait: 6,
  Keep: 7,
};

export interface FittedItems {
  readonly items: readonly PlanItem[];
  readonly isTruncated: boolean;
}

/** The items in the order in which they matter, as many as fit. Details go before items do. */
export function fitItems(items: readonly PlanItem[]): FittedItems {
  const sorted = items.toSorted((a, b) => RANK[a.action] - RANK[b.action]);
  const fitting: PlanItem[] = [];
  let bytes = 0;
  let isTruncated = sorted.length > MAX_PLAN_ITEMS;
  for (const item of sorted.slice(0, MAX_PLAN_ITEMS)) {
    const { changes: _changes, ...plain } = item;
    const fits = [item, plain].find((each) => bytes + sizeOf(each) <= MAX_BYTES);
    isTruncated ||= fits !== item;
    if (fits === undefined) continue;
    bytes += sizeOf(fits);
    fitting.push(fits);
  }
  return { items: fitting, isTruncated };
}

function sizeOf(item: PlanItem): number {
  return Buffer.byteLength(stringifyJson(item));
}
