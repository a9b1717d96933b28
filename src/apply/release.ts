// Lets an object go: it stays as it is, with every value, and is nobody's any more. Used for Orphan and for objects
// that we found.
import type { InventoryItem, KubeObject } from '../api/index.ts';
import { escapePointerSegment } from '../json/index.ts';
import {
  isNotFound,
  isPreconditionFailed,
  type JsonPatchOperation,
  type Resource,
  type TenantClient,
} from '../kube/index.ts';
import { applyEntryOf, isOurs } from './fields/index.ts';
import { releasedEntries } from './managed-fields.ts';
import { objectKeyOf } from './object-key.ts';
import { replaceManagedFields } from './ownership-patch.ts';
import { type GraphOwner, STAMPED_ANNOTATIONS, STAMPED_LABELS } from './stamp.ts';

/** `again`: it changed under our hands; look once more. `left`: it is free of us, or was not ours to begin with. */
export type ReleaseResult = 'left' | 'again';

/** Takes our name off an object without changing a value of it. */
export async function releaseObject(
  client: TenantClient,
  owner: GraphOwner,
  resource: Resource,
  entry: InventoryItem,
  signal: AbortSignal,
): Promise<ReleaseResult> {
  try {
    const live = await client.get(resource, objectKeyOf(entry), signal);
    if (!isOurs(live, owner.graphId, owner.manager) && !isHalfAdopted(live, owner, entry)) return 'left';
    const entries = releasedEntries(live.metadata.managedFields ?? [], owner.manager);
    if (entries === undefined) return 'left';
    await replaceManagedFields(client, resource, live, entries, unstamp(live), signal);
    return 'left';
  } catch (error) {
    if (isNotFound(error)) return 'left';
    if (isPreconditionFailed(error)) return 'again';
    throw error;
  }
}

/** An adoption that was cut short after it took fields over and before it marked the object. */
export function isHalfAdopted(live: KubeObject, owner: GraphOwner, entry: InventoryItem): boolean {
  return (
    entry.origin === 'Adopted' &&
    entry.uid === live.metadata.uid &&
    applyEntryOf(live, owner.manager) !== undefined
  );
}

function unstamp(live: KubeObject): readonly JsonPatchOperation[] {
  const present = (
    folder: 'labels' | 'annotations',
    keys: readonly string[],
  ): readonly JsonPatchOperation[] =>
    keys
      .filter((key) => live.metadata[folder]?.[key] !== undefined)
      .map((key) => ({ op: 'remove', path: `/metadata/${folder}/${escapePointerSegment(key)}` }));
  return [...present('labels', STAMPED_LABELS), ...present('annotations', STAMPED_ANNOTATIONS)];
}
