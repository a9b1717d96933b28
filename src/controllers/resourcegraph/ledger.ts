// The inventory while a pass works on it. Identity is the object, never the node: a renamed object is another entry,
// and the old one stays until it is pruned.
import { type Inventory, type InventoryItem, identityKey, type ObjectIdentity } from '../../api/index.ts';

export class Ledger {
  readonly #graphUid: string;
  readonly #items = new Map<string, InventoryItem>();

  constructor(inventory: Inventory) {
    this.#graphUid = inventory.graphUID;
    for (const item of inventory.items) this.#items.set(identityKey(item), item);
  }

  get(identity: ObjectIdentity): InventoryItem | undefined {
    return this.#items.get(identityKey(identity));
  }

  set(item: InventoryItem): void {
    this.#items.set(identityKey(item), item);
  }

  delete(identity: ObjectIdentity): void {
    this.#items.delete(identityKey(identity));
  }

  items(): readonly InventoryItem[] {
    return [...this.#items.values()];
  }

  /** As it is written to status: sorted, so that equal inventories are equal text. */
  toInventory(): Inventory {
    const items = [...this.#items].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, item]) => item);
    return { graphUID: this.#graphUid, items };
  }
}
