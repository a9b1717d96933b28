// Rewrites who owns what of an object that is adopted, without changing a value. Without it fields with equal values
// would stay co-owned by the tool that was used before, and taking one out of the module later would leave it there.
//
// Invariants: the status, and what other managers hold, is never touched; the union is what server-side apply itself
// would have if we had applied those fields, so that our next apply removes what the node does not state.
import type { KubeObject, ManagedFieldsEntry } from '../../api/index.ts';
import { escapePointerSegment, type JsonObject } from '../../json/index.ts';
import type { JsonPatchOperation } from '../../kube/index.ts';
import { applyEntryOf, splitFields, unionFields, withoutPath } from '../fields/index.ts';
import { shareOf } from './managers.ts';

/** What kubectl compares with at its next apply: left alone, that would bring back what the node dropped. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const LAST_APPLIED_PATH: readonly string[] = ['f:metadata', 'f:annotations', `f:${LAST_APPLIED}`];

/** Field ownership after a takeover. */
export interface Takeover {
  readonly entries: readonly ManagedFieldsEntry[];
  /** What else the same patch does. */
  readonly operations: readonly JsonPatchOperation[];
}

/**
 * The takeover that an object needs before `sent` is applied to it by `manager`.
 * @returns undefined where nothing is to be taken over
 */
export function takeoverOf(live: KubeObject, sent: KubeObject, manager: string): Takeover | undefined {
  const ours = applyEntryOf(live, manager);
  const entries: ManagedFieldsEntry[] = [];
  const taken: JsonObject[] = [];
  for (const entry of live.metadata.managedFields ?? []) {
    if (entry === ours) continue;
    const parts = splitEntry(entry, sent);
    if (parts.taken !== undefined) taken.push(parts.taken);
    if (parts.left !== undefined) entries.push({ ...entry, fieldsV1: parts.left });
    else if (parts.taken === undefined) entries.push(entry);
  }
  const hasLastApplied = live.metadata.annotations?.[LAST_APPLIED] !== undefined;
  if (taken.length === 0 && !hasLastApplied) return undefined;
  const fieldsV1 = taken.reduce<JsonObject>(
    (union, fields) => unionFields(union, withoutPath(fields, LAST_APPLIED_PATH) ?? {}),
    ours?.fieldsV1 ?? {},
  );
  const entry: ManagedFieldsEntry = {
    ...ours,
    manager,
    operation: 'Apply',
    apiVersion: live.apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1,
  };
  const isOwner = Object.keys(fieldsV1).length > 0;
  return { entries: isOwner ? [...entries, entry] : entries, operations: removeLastApplied(hasLastApplied) };
}

interface Parts {
  readonly taken: JsonObject | undefined;
  readonly left: JsonObject | undefined;
}

function splitEntry(entry: ManagedFieldsEntry, sent: KubeObject): Parts {
  const fields = entry.fieldsV1 ?? {};
  switch (shareOf(entry, sent.apiVersion)) {
    case 'none':
      return { taken: undefined, left: undefined };
    case 'stated': {
      const { stated, rest } = splitFields(fields, sent);
      return { taken: stated, left: rest };
    }
    case 'whole': {
      const { 'f:status': status, ...taken } = fields;
      return { taken, left: status === undefined ? undefined : { 'f:status': status } };
    }
  }
}

function removeLastApplied(isThere: boolean): readonly JsonPatchOperation[] {
  const path = `/metadata/annotations/${escapePointerSegment(LAST_APPLIED)}`;
  return isThere ? [{ op: 'remove', path }] : [];
}
