// One schedule: a random graph, an operator or several after each other, changes, meddling, crashes; then calm, and what
// must be true at rest; then the deletion, and what must be true at the end. Everything follows from the seed.
import { changedGraph, randomGraph, resolvedGraph } from './graphs.ts';
import { Invariants, type Violation } from './invariants.ts';
import type { Faults, Life } from './life.ts';
import type { Mutation } from './mutations.ts';
import { SimulatedOperator } from './operator.ts';
import { type Random, seededRandom } from './random.ts';
import { GraphStore } from './store.ts';
import { Timeline } from './timeline.ts';
import { World } from './world.ts';

export interface ScheduleReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Things that happened. */
  readonly events: number;
  readonly crashes: number;
}

/** More events mean that it never comes to rest. */
const MAX_EVENTS = 20_000;
/** Longest time without an operator. */
const MAX_PAUSE_MS = 200;
/** From then on nothing goes wrong any more. */
const CALM_AT_MS = 3_000;
/** Long enough for the slowest retry of a node, which is 5 minutes. */
const REST_MS = 11 * 60_000;

/** Runs the schedule of a seed. @param mutation breaks the operator on purpose */
export function runSchedule(seed: number, mutation?: Mutation): ScheduleReport {
  return new Schedule(seed, mutation).run();
}

class Schedule {
  readonly #seed: number;
  readonly #mutation: Mutation | undefined;
  readonly #random: Random;
  readonly #timeline = new Timeline();
  readonly #world: World;
  readonly #store: GraphStore;
  readonly #invariants: Invariants;
  readonly #faults: Faults;
  #life: Life | undefined;
  #events = 0;
  #crashes = 0;

  constructor(seed: number, mutation: Mutation | undefined) {
    this.#seed = seed;
    this.#mutation = mutation;
    this.#random = seededRandom(seed);
    this.#world = new World(this.#timeline, this.#random);
    this.#store = new GraphStore(this.#timeline, this.#random, randomGraph(this.#random));
    this.#invariants = new Invariants(this.#world, this.#store);
    const isRough = this.#random.chance(0.7);
    this.#faults = isRough
      ? { crash: 0.02, refused: 0.1, lostAnswer: 0.05 }
      : { crash: 0, refused: 0, lostAnswer: 0 };
  }

  run(): ScheduleReport {
    this.#beginWithOthers();
    this.#startOperator();
    this.#planChanges();
    if (this.#play(CALM_AT_MS + REST_MS)) this.#rest();
    const { violations } = this.#invariants;
    return { seed: this.#seed, violations, events: this.#events, crashes: this.#crashes };
  }

  /** Some objects are there before the graph is. */
  #beginWithOthers(): void {
    for (const { object } of this.#store.wanted.nodes) {
      if (object !== undefined && this.#random.chance(0.1))
        this.#world.create(object.metadata.name, 'theirs', 'others');
    }
    this.#world.create('bystander', 'theirs', 'others');
  }

  #startOperator(): void {
    const life: Life = {
      timeline: this.#timeline,
      random: this.#random,
      world: this.#world,
      store: this.#store,
      invariants: this.#invariants,
      mutation: this.#mutation,
      faults: this.#faults,
      startedAtMs: this.#timeline.nowMs,
      concurrency: this.#random.between(1, 4),
      isAlive: true,
      cache: new Map(),
      seenVersions: new Map(),
      ledger: new Map(),
    };
    this.#life = life;
    new SimulatedOperator(life).start();
  }

  #planChanges(): void {
    const random = this.#random;
    const changes = random.between(0, 3);
    for (let change = 0; change < changes; change += 1) {
      this.#timeline.after(random.between(0, 2_000), () => {
        if (!this.#store.isDeleted) this.#store.change(changedGraph(random, this.#store.wanted));
      });
    }
    const meddlings = random.chance(0.6) ? random.between(1, 4) : 0;
    for (let meddling = 0; meddling < meddlings; meddling += 1) {
      this.#timeline.after(random.between(0, 2_500), () => this.#meddle());
    }
    if (random.chance(0.2)) {
      const isWithCrash = random.chance(0.5);
      this.#timeline.after(random.between(0, 300), () => {
        this.#store.delete();
        if (isWithCrash && this.#life !== undefined) this.#life.isAlive = false;
      });
    }
    this.#timeline.after(CALM_AT_MS, () => {
      this.#world.calm();
      const resolved = resolvedGraph(this.#store.wanted);
      if (resolved !== this.#store.wanted && !this.#store.isDeleted) this.#store.change(resolved);
    });
  }

  #meddle(): void {
    const names = [
      ...this.#world.objects.keys(),
      ...this.#store.wanted.nodes.flatMap(({ object }) => object?.metadata.name ?? []),
    ];
    const [first, ...others] = names.filter((name) => name !== 'bystander');
    if (first !== undefined) this.#world.meddle(this.#random.pick([first, ...others]));
  }

  /** Lets things happen until nothing does, or until that time. @returns false where it never comes to rest */
  #play(untilMs: number): boolean {
    while (this.#timeline.nowMs < untilMs && this.#timeline.step()) {
      this.#events += 1;
      if (this.#events > MAX_EVENTS) {
        this.#invariants.broken('everything comes to rest', `${this.#events} events`);
        return false;
      }
      if (this.#life?.isAlive === false) this.#restart();
      if (this.#invariants.violations.length > 0) return false;
    }
    return true;
  }

  #restart(): void {
    this.#crashes += 1;
    this.#life = undefined;
    this.#timeline.after(this.#random.between(1, this.#random.chance(0.5) ? 20 : MAX_PAUSE_MS), () =>
      this.#startOperator(),
    );
  }

  #rest(): void {
    if (this.#store.isDeleted) {
      this.#invariants.atEnd();
      return;
    }
    this.#invariants.atRest();
    if (this.#invariants.violations.length > 0) return;
    // A last life that has to find everything as the one before left it, and then the end.
    if (this.#random.chance(0.3)) this.#startAnew();
    this.#store.delete();
    if (this.#play(this.#timeline.nowMs + REST_MS)) this.#invariants.atEnd();
  }

  #startAnew(): void {
    if (this.#life !== undefined) this.#life.isAlive = false;
    this.#startOperator();
  }
}
