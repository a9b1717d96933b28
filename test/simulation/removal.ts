// Takes entries out of the world, the highest wave first, each gone before the next, as the remover does: what we
// created is deleted, what we found is released, what is not ours is left.
import type { InventoryItem } from '../../src/api/index.ts';
import { deletionWaves } from '../../src/graph/index.ts';
import { type Life, REQUEST_DEADLINE_MS, send } from './life.ts';
import { originOf } from './node-write.ts';
import type { WorldObject } from './world.ts';

type Result = 'again' | 'left' | 'pending';

export class Removal {
  readonly #life: Life;
  readonly #items: readonly InventoryItem[];
  /** Names that the graph has. */
  readonly #wanted: ReadonlySet<string>;

  constructor(life: Life, items: readonly InventoryItem[], wanted: ReadonlySet<string>) {
    this.#life = life;
    this.#items = items;
    this.#wanted = wanted;
  }

  /** Removes what can go now. @param done told whether something is left to be removed */
  run(done: (isLeft: boolean) => void): void {
    const waves = deletionWaves(this.#items);
    const now = this.#life.mutation === 'delete-without-order' ? this.#items : (waves[0] ?? []);
    let open = now.length;
    let left = this.#items.length;
    if (open === 0) {
      done(false);
      return;
    }
    for (const item of now) {
      this.#remove(item, (result) => {
        open -= 1;
        if (result === 'left') {
          this.#life.ledger.delete(item.name);
          left -= 1;
        }
        if (open === 0) done(left > 0);
      });
    }
  }

  #remove(item: InventoryItem, done: (result: Result) => void): void {
    const land = (): Result => {
      const live = this.#life.world.objects.get(item.name);
      if (this.#mayStillLand()) return 'again';
      return live?.isOurs === true ? this.#removeLive(item, live) : 'left';
    };
    send(this.#life, land, done, () => done('again'));
  }

  /**
   * An earlier life may have written to the object and not lived to see the answer. As long as that write may land, an
   * object is not known to be gone, and one that stays would be written to after it was let go.
   */
  #mayStillLand(): boolean {
    const { timeline, startedAtMs, mutation } = this.#life;
    if (mutation === 'forget-intents') return false;
    return timeline.nowMs < startedAtMs + REQUEST_DEADLINE_MS;
  }

  #removeLive(item: InventoryItem, live: WorldObject): Result {
    const { world, invariants, mutation } = this.#life;
    const origin = item.uid === live.uid ? item.origin : originOf(live);
    if (origin === 'Found' && mutation !== 'delete-found-objects') {
      live.isOurs = false;
      return 'left';
    }
    if (live.isLeaving) return 'pending';
    const later = this.#items.filter(({ wave }) => wave > item.wave).map(({ name }) => name);
    invariants.beforeDelete(item.name, live, this.#wanted.has(item.name), later);
    world.delete(item.name, live);
    return 'pending';
  }
}
