import type { InventoryItem } from '../api/index.ts';
import type { ObjectKey } from '../kube/index.ts';

/** Where an inventory entry's object lives. */
export function objectKeyOf(entry: InventoryItem): ObjectKey {
  return { namespace: entry.namespace, name: entry.name };
}
