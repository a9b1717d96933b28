// One life of an operator: what its parts share, and how it ends. What it had in flight may still land after its end;
// the next life knows only what is stored.
import type { InventoryItem } from '../../src/api/index.ts';
import type { Invariants } from './invariants.ts';
import type { Mutation } from './mutations.ts';
import type { Random } from './random.ts';
import type { GraphStore } from './store.ts';
import type { Timeline } from './timeline.ts';
import type { World, WorldObject } from './world.ts';

/** How often something goes wrong; nothing does once the world is calm. */
export interface Faults {
  readonly crash: number;
  readonly refused: number;
  readonly lostAnswer: number;
}

export interface Life {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly world: World;
  readonly store: GraphStore;
  readonly invariants: Invariants;
  readonly mutation: Mutation | undefined;
  readonly faults: Faults;
  readonly startedAtMs: number;
  readonly concurrency: number;
  isAlive: boolean;
  /** What the watch showed last, by name. */
  readonly cache: Map<string, Readonly<WorldObject>>;
  /** Version of the newest change that the watch told of, by name; also of what is gone. */
  readonly seenVersions: Map<string, number>;
  /** The inventory of the pass under way, by name. */
  readonly ledger: Map<string, InventoryItem>;
}

/** No request is on its way for longer. */
export const REQUEST_DEADLINE_MS = 200;
/** Uid of the simulated graph. */
export const GRAPH_UID = 'graph';

/**
 * A call that may be the last of this life, before or after it takes effect.
 * @returns false where it was
 */
export function callOrDie(life: Life, effect: () => void): boolean {
  const share = life.world.isCalm ? 0 : life.faults.crash;
  if (life.random.chance(share)) {
    life.isAlive = false;
    return false;
  }
  effect();
  if (life.random.chance(share)) life.isAlive = false;
  return life.isAlive;
}

/** Stores the inventory and leaves the rest of the status as it is. @returns false where the life ended */
export function storeInventory(life: Life): boolean {
  return callOrDie(life, () => {
    const { statuses = {}, generation = 0 } = life.store.status ?? {};
    life.store.status = { inventory: inventoryOf(life), statuses, generation };
  });
}

export function inventoryOf(life: Life): {
  readonly graphUID: string;
  readonly items: readonly InventoryItem[];
} {
  return { graphUID: GRAPH_UID, items: [...life.ledger.values()] };
}

/**
 * Sends a request: it lands after a while, whether or not the operator lives then, and is answered after another.
 * @param land what the server does, and its answer
 * @param answer called with it, unless the life is over or the answer is lost
 * @param lost called where no answer comes in time
 */
export function send<T>(life: Life, land: () => T, answer: (result: T) => void, lost: () => void): void {
  const { timeline, random, world, faults } = life;
  const isAnswerLost = !world.isCalm && random.chance(faults.lostAnswer);
  if (!world.isCalm && random.chance(faults.crash)) life.isAlive = false;
  const isSlow = random.chance(0.1);
  timeline.after(random.between(1, isSlow ? REQUEST_DEADLINE_MS - 10 : 60), () => {
    const result = land();
    timeline.after(isAnswerLost ? REQUEST_DEADLINE_MS : random.between(1, 40), () => {
      if (!life.isAlive) return;
      if (isAnswerLost) lost();
      else answer(result);
    });
  });
}
