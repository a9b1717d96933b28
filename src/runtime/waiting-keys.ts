// Keys that are ready to be worked on, by group. Groups take turns, and within one the keys that came first go first.
//
// Where places are shared, a group gets another one only while it has fewer than are free. One alone has half of them at
// most, the next half of the rest, and so on: work that does not get to its end holds up its own group, and there is always
// a place for whoever comes next, until as many groups as that are at it together.

export interface WaitingOptions {
  /** The group of a key. Without it all keys are one group, which may have every place. */
  readonly groupOf?: (key: string) => string;
}

export class WaitingKeys {
  readonly #groupOf: (key: string) => string;
  readonly #isShared: boolean;
  /** By group, in the order of their turns; no group is empty. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Keys of each group that are worked on. */
  readonly #working = new Map<string, number>();
  #size = 0;

  constructor({ groupOf }: WaitingOptions = {}) {
    this.#isShared = groupOf !== undefined;
    this.#groupOf = groupOf ?? (() => '');
  }

  get size(): number {
    return this.#size;
  }

  add(key: string): void {
    const group = this.#groupOf(key);
    const keys = this.#waiting.get(group) ?? new Set();
    if (keys.has(key)) return;
    keys.add(key);
    this.#size += 1;
    this.#waiting.set(group, keys);
  }

  /** Takes the next key that may have one of the free places, which it then has. */
  take(freePlaces: number): string | undefined {
    for (const [group, keys] of this.#waiting) {
      if (!this.#mayHaveAnother(group, freePlaces)) continue;
      for (const key of keys) {
        keys.delete(key);
        this.#size -= 1;
        this.#waiting.delete(group);
        if (keys.size > 0) this.#waiting.set(group, keys);
        this.#working.set(group, this.#workingIn(group) + 1);
        return key;
      }
    }
    return undefined;
  }

  /** The work on a key that was taken is over. */
  done(key: string): void {
    const group = this.#groupOf(key);
    const left = this.#workingIn(group) - 1;
    if (left > 0) this.#working.set(group, left);
    else this.#working.delete(group);
  }

  /** Takes out all keys that match; those that are worked on keep their places. */
  remove(isRemoved: (key: string) => boolean): void {
    for (const [group, keys] of this.#waiting) {
      for (const key of keys) {
        if (!isRemoved(key)) continue;
        keys.delete(key);
        this.#size -= 1;
      }
      if (keys.size === 0) this.#waiting.delete(group);
    }
  }

  clear(): void {
    this.#waiting.clear();
    this.#size = 0;
  }

  #mayHaveAnother(group: string, freePlaces: number): boolean {
    return freePlaces > 0 && (!this.#isShared || this.#workingIn(group) < freePlaces);
  }

  #workingIn(group: string): number {
    return this.#working.get(group) ?? 0;
  }
}
