// Brings one node's object about, as the applier does: the first write can only create; what is there is looked at and
// judged; what was found is recorded before it is written; a later write carries the uid.
import type { InventoryItem } from '../../src/api/index.ts';
import type { NodeFailure } from '../../src/graph/index.ts';
import { type Life, send, storeInventory } from './life.ts';
import type { WorldObject } from './world.ts';

export type WriteOutcome =
  | { readonly state: 'applied' }
  | { readonly state: 'failed'; readonly failure: NodeFailure };

type Answer =
  | { readonly state: 'changed' }
  | { readonly state: 'refused' }
  | { readonly state: 'written'; readonly object: Readonly<WorldObject> };

/** How often an object that changes under our hands is looked at before the node is put off. */
const MAX_LOOKS = 4;

export class NodeWrite {
  readonly #life: Life;
  readonly #name: string;
  readonly #content: string;
  #looks = 0;
  #done: (outcome: WriteOutcome) => void = () => undefined;

  constructor(life: Life, name: string, content: string) {
    this.#life = life;
    this.#name = name;
    this.#content = content;
  }

  /** @param isLookFirst true where the object is not as we left it */
  run(isLookFirst: boolean, done: (outcome: WriteOutcome) => void): void {
    this.#done = done;
    if (isLookFirst) this.#look();
    else this.#write(this.#entry());
  }

  #entry(): InventoryItem {
    const entry = this.#life.ledger.get(this.#name);
    if (entry === undefined) throw new Error(`${this.#name} has no inventory entry`);
    return entry;
  }

  #fail(message: string, retry: NodeFailure['retry'] = 'backoff', isWaiting: boolean = false): void {
    this.#done({ state: 'failed', failure: { message, reason: 'Simulated', retry, isWaiting } });
  }

  #write(entry: InventoryItem): void {
    const { uid } = entry;
    const land = (): Answer => (uid === undefined ? this.#create() : this.#update(uid));
    send(
      this.#life,
      land,
      (answer) => this.#answered(answer),
      () => this.#fail('no answer'),
    );
  }

  #isRefused(): boolean {
    const { world, random, faults } = this.#life;
    return !world.isCalm && random.chance(faults.refused);
  }

  #create(): Answer {
    const { world, invariants } = this.#life;
    if (this.#isRefused()) return { state: 'refused' };
    if (world.objects.has(this.#name)) return { state: 'changed' };
    invariants.beforeWrite(this.#name, undefined);
    return { state: 'written', object: { ...world.create(this.#name, this.#content, 'us') } };
  }

  #update(uid: string): Answer {
    const { world, invariants } = this.#life;
    if (this.#isRefused()) return { state: 'refused' };
    const live = world.objects.get(this.#name);
    if (live?.uid !== uid) return { state: 'changed' };
    invariants.beforeWrite(this.#name, live);
    world.write(this.#name, live, this.#content);
    return { state: 'written', object: { ...live } };
  }

  #answered(answer: Answer): void {
    if (answer.state === 'refused') this.#fail('refused');
    else if (answer.state === 'changed') this.#look();
    else this.#written(answer.object);
  }

  #written(object: Readonly<WorldObject>): void {
    const { uid } = object;
    const entry = this.#entry();
    const next: InventoryItem = { ...entry, uid, sent: this.#content };
    this.#life.ledger.set(this.#name, next);
    // The watch may have been faster than the answer.
    const seenVersion = this.#life.seenVersions.get(this.#name) ?? 0;
    if (seenVersion < object.version) this.#life.cache.set(this.#name, object);
    this.#done({ state: 'applied' });
  }

  #look(): void {
    this.#looks += 1;
    if (this.#looks > MAX_LOOKS) {
      this.#fail('it keeps changing');
      return;
    }
    const land = (): Readonly<WorldObject> | undefined => {
      const live = this.#life.world.objects.get(this.#name);
      return live === undefined ? undefined : { ...live };
    };
    send(
      this.#life,
      land,
      (live) => this.#judge(live),
      () => this.#fail('no answer'),
    );
  }

  #judge(live: Readonly<WorldObject> | undefined): void {
    const { ledger } = this.#life;
    const { uid: _uid, sent: _sent, ...intent } = this.#entry();
    if (live === undefined) {
      // What we found and somebody deleted is made anew, and then ours: that has to be in the inventory first.
      const isNews = intent.origin === 'Found';
      const entry: InventoryItem = { ...intent, origin: 'Created' };
      ledger.set(this.#name, entry);
      if (!isNews || storeInventory(this.#life)) this.#write(entry);
      return;
    }
    if (live.isLeaving) {
      this.#fail('it is being deleted', { afterMs: 300 }, true);
      return;
    }
    const isKnown = live.uid === this.#entry().uid;
    const origin = isKnown ? intent.origin : originOf(live);
    const entry: InventoryItem = { ...intent, uid: live.uid, origin };
    ledger.set(this.#name, entry);
    if (!isKnown && origin === 'Found' && !storeInventory(this.#life)) return;
    this.#write(entry);
  }
}

/** What an object says of itself: ours without the mark of a found one was created by us. */
export function originOf(live: Readonly<WorldObject>): InventoryItem['origin'] {
  return live.isOurs && live.creator === 'us' ? 'Created' : 'Found';
}
