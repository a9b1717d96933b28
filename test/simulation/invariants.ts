// What has to hold at every moment, checked where it could break, against what the world knows and not against what the
// operator thinks.
import type { GraphStore } from './store.ts';
import type { World, WorldObject } from './world.ts';

export interface Violation {
  readonly rule: string;
  readonly details: string;
}

export class Invariants {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #store: GraphStore;

  constructor(world: World, store: GraphStore) {
    this.#world = world;
    this.#store = store;
  }

  broken(rule: string, details: string): void {
    this.violations.push({ rule, details });
  }

  check(isHeld: boolean, rule: string, details: () => string): void {
    if (!isHeld) this.broken(rule, details());
  }

  /** A write reaches an object. */
  beforeWrite(name: string, live: WorldObject | undefined): void {
    const entry = this.#store.status?.inventory.items.find((item) => item.name === name);
    this.check(entry !== undefined, 'an object is in the stored inventory before it is written', () => name);
    if (live === undefined || live.creator === 'us') return;
    const isRecorded = entry?.origin === 'Found' && entry.uid === live.uid;
    this.check(isRecorded, 'what was there is recorded as found before it is written', () => name);
  }

  /** A deletion reaches an object. */
  beforeDelete(name: string, live: WorldObject, isWanted: boolean, laterNames: readonly string[]): void {
    this.check(live.creator === 'us', 'nothing that others created is deleted', () => name);
    this.check(!isWanted, 'nothing that the graph has is deleted', () => name);
    const left = laterNames.filter((each) => this.#world.objects.get(each)?.isOurs === true);
    this.check(
      left.length === 0,
      'an object goes after all that depended on it',
      () => `${name} before ${left}`,
    );
  }

  /** The end, when nothing has been in the way for long. */
  atRest(): void {
    const wanted = new Map<string, string>();
    for (const { object } of this.#store.wanted.nodes) {
      const content = object?.['data'];
      if (object !== undefined && typeof content === 'string') wanted.set(object.metadata.name, content);
    }
    for (const [name, content] of wanted) {
      const live = this.#world.objects.get(name);
      const isRight = live?.isOurs === true && live.content === content && live.health === 'ready';
      this.check(isRight, 'the cluster gets to what is wanted', () => `${name}: ${JSON.stringify(live)}`);
    }
    for (const [name, live] of this.#world.objects) {
      const isLeft = live.isOurs && !wanted.has(name);
      this.check(!isLeft, 'nothing of ours is left that is not wanted', () => name);
    }
  }

  /** After the graph was deleted. */
  atEnd(): void {
    this.check(this.#store.isGone, 'a deleted graph goes', () => 'it is still there');
    for (const [name, live] of this.#world.objects) {
      this.check(live.creator !== 'us', 'nothing that we created outlives its graph', () => name);
      this.check(!live.isOurs, 'what we found is released', () => name);
    }
  }
}
