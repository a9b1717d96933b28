// Keys that are ready to be worked on, by priority and by group. Low priority goes when nothing of high priority may; so
// that it gets on at all, it goes first once in a while. Groups take turns, and within one the keys that came first go
// first.
//
// Where places are shared, a group has at most its share of those that the others leave it: work that does not get to its
// end holds up its own group, and there is always a place for whoever comes next, until several groups are at it
// together. Work that only waits for something gives its place to others; with what is under way in that manner a group
// has no more than its share of all places, so that what it waits for holds up nobody else, however many groups do so.

/** `low`: what was there before and most likely needs nothing: first lists, relists, looks by interval. */
export type Priority = 'high' | 'low';

export interface WaitingOptions {
  /** The group of a key. Without it all keys are one group, which may have every place. */
  readonly groupOf?: ((key: string) => string) | undefined;
  /** Above 0, up to 1: the part of the places that the others leave which one group may have. Default a half. */
  readonly share?: number | undefined;
}

export interface TakenKey {
  readonly key: string;
  /** Of the key as it waited. */
  readonly priority: Priority;
}

const DEFAULT_SHARE = 0.5;
/** Of so many keys in a row that are taken while others of low priority wait, one is of these. */
const LOW_EVERY = 8;

interface Work {
  /** Keys that have a place. */
  placed: number;
  /** Keys that wait for something, without one. */
  aside: number;
}

/** By group, in the order of their turns; no group is empty. */
type Lane = Map<string, Set<string>>;

export class WaitingKeys {
  readonly #groupOf: (key: string) => string;
  readonly #isShared: boolean;
  readonly #share: number;
  readonly #lanes: Readonly<Record<Priority, Lane>> = { high: new Map(), low: new Map() };
  /** What is being worked on, by group. */
  readonly #work = new Map<string, Work>();
  #placed = 0;
  #size = 0;
  /** Keys of high priority in a row that went before one of low priority. */
  #passedLow = 0;

  constructor({ groupOf, share = DEFAULT_SHARE }: WaitingOptions = {}) {
    this.#isShared = groupOf !== undefined;
    this.#groupOf = groupOf ?? (() => '');
    this.#share = share;
  }

  get size(): number {
    return this.#size;
  }

  /** Keys of one priority. */
  sizeOf(priority: Priority): number {
    return [...this.#lanes[priority].values()].reduce((sum, keys) => sum + keys.size, 0);
  }

  /** A key that waits already keeps its place in the line, unless its priority is higher now. */
  add(key: string, priority: Priority = 'high'): void {
    const group = this.#groupOf(key);
    if (this.#lanes.high.get(group)?.has(key) === true) return;
    if (this.#lanes.low.get(group)?.has(key) === true) {
      if (priority === 'low') return;
      this.#remove('low', group, key);
    }
    const lane = this.#lanes[priority];
    const keys = lane.get(group) ?? new Set();
    keys.add(key);
    lane.set(group, keys);
    this.#size += 1;
  }

  /** Takes the next key that may have one of the free places, which it then has. */
  take(freePlaces: number): TakenKey | undefined {
    const isTurnOfLow = this.#passedLow >= LOW_EVERY - 1;
    const order: readonly Priority[] = isTurnOfLow ? ['low', 'high'] : ['high', 'low'];
    for (const priority of order) {
      const key = this.#takeFrom(priority, freePlaces);
      if (key === undefined) continue;
      this.#passedLow = priority === 'high' && this.#lanes.low.size > 0 ? this.#passedLow + 1 : 0;
      return { key, priority };
    }
    return undefined;
  }

  /** The work on a key that was taken is over. */
  done(key: string): void {
    this.#change(key, { placed: -1, aside: 0 });
  }

  /** The key gives its place to others, and is worked on nevertheless. */
  stepAside(key: string): void {
    this.#change(key, { placed: -1, aside: 1 });
  }

  /** The key has a place again. */
  comeBack(key: string): void {
    this.#change(key, { placed: 1, aside: -1 });
  }

  /** Takes out all keys that match; those that are worked on keep their places. */
  remove(isRemoved: (key: string) => boolean): void {
    for (const priority of ['high', 'low'] as const) {
      for (const [group, keys] of this.#lanes[priority]) {
        for (const key of keys) if (isRemoved(key)) this.#remove(priority, group, key);
      }
    }
  }

  clear(): void {
    this.#lanes.high.clear();
    this.#lanes.low.clear();
    this.#size = 0;
  }

  #takeFrom(priority: Priority, freePlaces: number): string | undefined {
    const lane = this.#lanes[priority];
    for (const [group, keys] of lane) {
      if (!this.#mayHaveAnother(group, freePlaces)) continue;
      for (const key of keys) {
        this.#remove(priority, group, key);
        // Its next turn comes after those of all others.
        lane.delete(group);
        if (keys.size > 0) lane.set(group, keys);
        this.#change(key, { placed: 1, aside: 0 });
        return key;
      }
    }
    return undefined;
  }

  #remove(priority: Priority, group: string, key: string): void {
    const lane = this.#lanes[priority];
    const keys = lane.get(group);
    if (keys?.delete(key) !== true) return;
    this.#size -= 1;
    if (keys.size === 0) lane.delete(group);
  }

  #mayHaveAnother(group: string, freePlaces: number): boolean {
    if (freePlaces <= 0 || !this.#isShared) return freePlaces > 0;
    const { placed, aside } = this.#work.get(group) ?? { placed: 0, aside: 0 };
    const all = this.#placed + freePlaces;
    return placed < this.#shareOf(placed + freePlaces) && placed + aside < this.#shareOf(all);
  }

  #shareOf(places: number): number {
    return Math.max(1, Math.floor(places * this.#share));
  }

  #change(key: string, by: Work): void {
    const group = this.#groupOf(key);
    const work = this.#work.get(group) ?? { placed: 0, aside: 0 };
    work.placed += by.placed;
    work.aside += by.aside;
    this.#placed += by.placed;
    if (work.placed + work.aside > 0) this.#work.set(group, work);
    else this.#work.delete(group);
  }
}
