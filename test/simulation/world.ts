// The cluster of a simulation: objects by name, changed by requests that land and by others who meddle. It knows what
// happened to what, which no operator does, and so can be asked whether anything went wrong.
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export type Health = 'failed' | 'ready' | 'waiting';

export interface WorldObject {
  readonly uid: string;
  /** Counts the changes of the whole world, as resource versions do. */
  version: number;
  /** Who created it. What we did not create must never go by our hand. */
  readonly creator: 'others' | 'us';
  /** Carries our label and our field manager's entry. */
  isOurs: boolean;
  content: string;
  health: Health;
  isLeaving: boolean;
}

export interface Change {
  readonly name: string;
  readonly version: number;
  /** As it was at that moment; undefined where it was gone. */
  readonly object: Readonly<WorldObject> | undefined;
}

/** Content that others gave an object. */
export const EDITED = 'edited';
/** Longest time until a watch tells of a change. */
const WATCH_DELAY_MS = 50;

export class World {
  readonly objects: Map<string, WorldObject> = new Map();
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #listeners = new Set<(change: Change) => void>();
  #uids = 0;
  #versions = 0;
  #lastDeliveryMs = 0;
  /** Set where the faults are over: everything gets ready. */
  isCalm = false;

  constructor(timeline: Timeline, random: Random) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /** Watches from now on; changes come late, in order, and never twice. @returns what ends it */
  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  create(name: string, content: string, creator: WorldObject['creator']): WorldObject {
    this.#uids += 1;
    const object: WorldObject = {
      uid: `u${this.#uids}`,
      version: 0,
      creator,
      isOurs: creator === 'us',
      content,
      health: 'waiting',
      isLeaving: false,
    };
    this.objects.set(name, object);
    this.#tell(name);
    this.#unfold(name, object);
    return object;
  }

  /** A write that takes effect: the object has to get ready again. */
  write(name: string, object: WorldObject, content: string): void {
    object.isOurs = true;
    if (object.content === content) return;
    object.content = content;
    object.health = 'waiting';
    this.#tell(name);
    this.#unfold(name, object);
  }

  /** Begins a deletion, which may be held for a while. */
  delete(name: string, object: WorldObject): void {
    object.isLeaving = true;
    const isHeld = this.#random.chance(0.3);
    if (isHeld) this.#tell(name);
    this.#timeline.after(isHeld ? this.#random.between(1, 200) : 0, () => {
      if (this.objects.get(name) !== object) return;
      this.objects.delete(name);
      this.#tell(name);
    });
  }

  /** Others change what is there. */
  meddle(name: string): void {
    const object = this.objects.get(name);
    if (object === undefined) {
      if (this.#random.chance(0.3)) this.create(name, 'theirs', 'others');
      return;
    }
    if (object.isLeaving) return;
    const what = this.#random.between(0, 3);
    if (what === 0) this.delete(name, object);
    else if (what === 1) {
      object.content = EDITED;
      this.#tell(name);
    } else {
      object.health = this.#random.pick(['failed', 'ready', 'waiting']);
      this.#tell(name);
      this.#unfold(name, object);
    }
  }

  /** Nothing is in the way any more: what is there gets ready. */
  calm(): void {
    this.isCalm = true;
    for (const [name, object] of this.objects) this.#unfold(name, object);
  }

  /** What the object comes to by itself. */
  #unfold(name: string, object: WorldObject): void {
    if (object.health === 'ready') return;
    const isStuck = !this.isCalm && this.#random.chance(0.1);
    if (isStuck) return;
    this.#timeline.after(this.#random.between(0, 400), () => {
      if (this.objects.get(name) !== object || object.isLeaving || object.health === 'ready') return;
      object.health = !this.isCalm && this.#random.chance(0.1) ? 'failed' : 'ready';
      this.#tell(name);
      if (object.health === 'failed') this.#unfold(name, object);
    });
  }

  #tell(name: string): void {
    const object = this.objects.get(name);
    this.#versions += 1;
    if (object !== undefined) object.version = this.#versions;
    const change: Change = {
      name,
      version: this.#versions,
      object: object === undefined ? undefined : { ...object },
    };
    const atMs = Math.max(
      this.#lastDeliveryMs,
      this.#timeline.nowMs + this.#random.between(0, WATCH_DELAY_MS),
    );
    this.#lastDeliveryMs = atMs;
    const listeners = [...this.#listeners];
    this.#timeline.after(atMs - this.#timeline.nowMs, () => {
      for (const listener of listeners) if (this.#listeners.has(listener)) listener(change);
    });
  }
}
