// Rewriting field ownership without changing a value. An apply with fewer fields would delete what we owned alone, so
// ownership is handed over by renaming entries, guarded by the resourceVersion that was read (see release.ts).
import { KEEP_FIELD_MANAGER, type ManagedFieldsEntry, RELEASED_FIELD_MANAGER } from '../api/index.ts';
import type { JsonObject } from '../json/index.ts';
import { unionFields } from './fields/index.ts';

function isApplyEntry(entry: ManagedFieldsEntry, managers: readonly string[]): boolean {
  return (
    entry.operation === 'Apply' &&
    (entry.subresource ?? '') === '' &&
    entry.manager !== undefined &&
    managers.includes(entry.manager)
  );
}

/**
 * Folds the Apply entries of all `from` managers into one entry of `to`; every other entry stays as it is.
 * Undefined where none of `from` has an entry, so that there is nothing to hand over.
 */
export function transferOwnership(
  entries: readonly ManagedFieldsEntry[],
  from: readonly string[],
  to: string,
): readonly ManagedFieldsEntry[] | undefined {
  if (!entries.some((entry) => isApplyEntry(entry, from))) return undefined;
  const moved = entries.filter((entry) => isApplyEntry(entry, [...from, to]));
  const [first, ...rest] = moved;
  if (first === undefined) return undefined;
  const fieldsV1 = rest.reduce<JsonObject>(
    (union, entry) => unionFields(union, entry.fieldsV1 ?? {}),
    first.fieldsV1 ?? {},
  );
  const others = entries.filter((entry) => !moved.includes(entry));
  return [...others, { ...first, manager: to, fieldsV1 }];
}

/** Entries for an object that leaves the graph of `manager`: all that we own is nobody's, every value stays. */
export function releasedEntries(
  entries: readonly ManagedFieldsEntry[],
  manager: string,
): readonly ManagedFieldsEntry[] | undefined {
  return transferOwnership(entries, [manager, KEEP_FIELD_MANAGER], RELEASED_FIELD_MANAGER);
}

/** Entries for an object whose nobody's fields, held under `nobodys` names, `manager` takes over. */
export function claimedEntries(
  entries: readonly ManagedFieldsEntry[],
  nobodys: readonly string[],
  manager: string,
): readonly ManagedFieldsEntry[] | undefined {
  return transferOwnership(entries, nobodys, manager);
}

/**
 * Entries of every manager with one `apiVersion` in place of another, for a version that its kind has no more: the API
 * server can't apply to an object while any entry names it. Undefined where none does.
 */
export function migratedEntries(
  entries: readonly ManagedFieldsEntry[],
  from: string,
  to: string,
): readonly ManagedFieldsEntry[] | undefined {
  if (!entries.some(({ apiVersion }) => apiVersion === from)) return undefined;
  return entries.map((entry) => (entry.apiVersion === from ? { ...entry, apiVersion: to } : entry));
}
