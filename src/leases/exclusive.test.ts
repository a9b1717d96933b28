// Several processes want one Lease, in a world where calls are slow and get lost before or after they have landed, watches
// are late, out of order or away, processes are paused, killed and replaced, and every clock is wrong in a way of its own.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Random, seededRandom } from '../../test/simulation/random.ts';
import type { StoredLease } from './record.ts';
import { type LeaseAnswer, type LeaseCall, LeaseState } from './state.ts';
import { DEFAULT_LEASE_TIMINGS } from './timings.ts';

const CALL_TIMEOUT_MS = 5_000;
/** Slowest and fastest clock, in percent: further apart than that, no margin between deadline and duration helps. */
const RATES = [85, 125] as const;
const TROUBLE_MS = 180_000;
const CALM_MS = 60_000;
const RUNS = 300;

class Process {
  readonly state: LeaseState;
  readonly #rate: number;
  readonly #offsetMs: number;
  wallMs: number;
  pausedUntilMs = 0;
  isAlive = true;
  wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(identity: string, random: Random) {
    this.state = new LeaseState(identity, DEFAULT_LEASE_TIMINGS);
    this.#rate = random.between(...RATES) / 100;
    this.#offsetMs = random.between(0, 1_000_000);
    this.wallMs = random.between(-3_600_000, 3_600_000);
  }

  /** What its own clock shows. */
  clock(realMs: number): number {
    return this.#offsetMs + realMs * this.#rate;
  }

  /** When its own clock will show this. */
  realTimeOf(clockMs: number): number {
    return (clockMs - this.#offsetMs) / this.#rate;
  }
}

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

class World {
  readonly #random: Random;
  readonly #events: Event[] = [];
  readonly processes: Process[] = [];
  #nowMs = 0;
  #stored: StoredLease | undefined;
  #versions = 0;
  #births = 0;
  isCalm = false;
  /** How often it changed hands. */
  gains = 0;
  #lastHolder: Process | undefined;

  constructor(random: Random, size: number) {
    this.#random = random;
    for (let index = 0; index < size; index += 1) this.#bear();
    for (let atMs = 0; atMs < TROUBLE_MS; atMs += random.between(500, 6_000)) {
      this.#at(atMs, () => this.#trouble());
    }
  }

  holders(): readonly Process[] {
    return this.processes.filter((one) => one.isAlive && one.state.isHeld(one.clock(this.#nowMs)));
  }

  /** Lets everything happen up to a time; `check` after each event. */
  runUntil(untilMs: number, check: () => void): void {
    for (;;) {
      this.#events.sort((a, b) => a.atMs - b.atMs);
      const next = this.#events[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#events.shift();
      this.#nowMs = next.atMs;
      next.run();
      check();
      const [holder] = this.holders();
      if (holder !== undefined && holder !== this.#lastHolder) {
        this.gains += 1;
        this.#lastHolder = holder;
      }
    }
    this.#nowMs = untilMs;
  }

  /** All that live want it, and nothing hinders them. */
  calmDown(): void {
    this.isCalm = true;
    for (const one of this.processes) {
      one.pausedUntilMs = 0;
      one.state.want();
      one.state.setWatched(true);
      this.#wake(one, this.#nowMs);
    }
  }

  #at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, run });
  }

  #bear(): void {
    this.#births += 1;
    const born = new Process(`p${this.#births}`, this.#random);
    this.processes.push(born);
    born.state.want();
    born.state.setWatched(this.#random.chance(0.5));
    this.#wake(born, this.#nowMs);
  }

  #trouble(): void {
    const random = this.#random;
    const living = this.processes.filter(({ isAlive }) => isAlive);
    const one = living[random.between(0, living.length - 1)];
    if (one === undefined) return;
    const kinds = ['pause', 'kill', 'release', 'want', 'watch', 'wall clock', 'nothing'] as const;
    switch (random.pick(kinds)) {
      case 'pause':
        one.pausedUntilMs = this.#nowMs + random.between(100, 20_000);
        break;
      case 'kill':
        one.isAlive = false;
        this.#bear();
        break;
      case 'release':
        one.state.unwant();
        break;
      case 'want':
        one.state.want();
        break;
      case 'watch':
        one.state.setWatched(random.chance(0.5));
        break;
      case 'wall clock':
        one.wallMs += random.between(-3_600_000, 3_600_000);
        break;
      default:
    }
    this.#wake(one, this.#nowMs);
  }

  /** Lets a process do what there is to do, no earlier than at this time. */
  #wake(one: Process, atMs: number): void {
    this.#at(atMs, () => {
      if (!one.isAlive) return;
      if (one.pausedUntilMs > this.#nowMs) {
        this.#wake(one, one.pausedUntilMs);
        return;
      }
      const step = one.state.next(one.clock(this.#nowMs), Math.max(0, one.wallMs + this.#nowMs + 1e10));
      if (step.type === 'call') this.#make(one, step.call);
      else if (step.untilMs !== undefined) this.#wakeOnce(one, one.realTimeOf(step.untilMs));
      if (one.state.loss !== undefined) {
        one.isAlive = false;
        this.#bear();
      }
    });
  }

  #wakeOnce(one: Process, atMs: number): void {
    const dueMs = Math.max(atMs, this.#nowMs + 1);
    if (one.wakeAtMs > this.#nowMs && one.wakeAtMs <= dueMs) return;
    one.wakeAtMs = dueMs;
    this.#wake(one, dueMs);
  }

  #make(one: Process, call: LeaseCall): void {
    const random = this.#random;
    const isSlow = !this.isCalm && random.chance(0.15);
    const wayMs = isSlow ? random.between(1_000, 25_000) : random.between(1, 50);
    const backMs = isSlow ? random.between(1, 6_000) : random.between(1, 50);
    const isLostOnTheWay = !this.isCalm && random.chance(0.1);
    const isLostOnTheWayBack = !this.isCalm && random.chance(0.1);
    const sentAtMs = this.#nowMs;
    let isOver = false;
    // The worst moment to be stopped is between a request and its answer.
    if (!this.isCalm && random.chance(0.05)) one.pausedUntilMs = sentAtMs + random.between(1_000, 20_000);
    const answer = (atMs: number, result: () => LeaseAnswer): void =>
      this.#at(atMs, () => {
        if (isOver || !one.isAlive) return;
        if (one.pausedUntilMs > this.#nowMs) {
          answer(one.pausedUntilMs, result);
          return;
        }
        isOver = true;
        one.state.answered(result(), one.clock(this.#nowMs));
        this.#wake(one, this.#nowMs);
      });
    answer(sentAtMs + CALL_TIMEOUT_MS, () => ({ type: 'failed' }));
    if (isLostOnTheWay) return;
    this.#at(sentAtMs + wayMs, () => {
      const result = this.#serve(call);
      if (!isLostOnTheWayBack) answer(this.#nowMs + backMs, () => result);
    });
  }

  #serve(call: LeaseCall): LeaseAnswer {
    if (call.type === 'look') return { type: 'found', lease: this.#stored };
    if (call.resourceVersion !== this.#stored?.resourceVersion) return { type: 'refused' };
    this.#versions += 1;
    const lease: StoredLease = { resourceVersion: String(this.#versions), record: call.record };
    this.#stored = lease;
    for (const one of this.processes) this.#announce(one, lease);
    return { type: 'stored', lease };
  }

  #announce(one: Process, lease: StoredLease): void {
    const random = this.#random;
    if (!this.isCalm && random.chance(0.2)) return;
    const lateMs = !this.isCalm && random.chance(0.2) ? random.between(100, 20_000) : random.between(1, 50);
    const tell = (atMs: number): void =>
      this.#at(atMs, () => {
        if (!one.isAlive) return;
        if (one.pausedUntilMs > this.#nowMs) tell(one.pausedUntilMs);
        else {
          one.state.observed(lease, one.clock(this.#nowMs));
          this.#wake(one, this.#nowMs);
        }
      });
    tell(this.#nowMs + lateMs);
  }
}

test('at no moment do two processes hold it, and once all is well one does', () => {
  let gains = 0;
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 2, max: 5 }), (seed, size) => {
      const world = new World(seededRandom(seed), size);
      const check = (): void => {
        const holders = world.holders().map(({ state }) => state);
        if (holders.length > 1) throw new Error(`${holders.length} processes hold it at once`);
      };
      world.runUntil(TROUBLE_MS, check);
      world.calmDown();
      world.runUntil(TROUBLE_MS + CALM_MS, check);
      expect(world.holders()).toHaveLength(1);
      gains += world.gains;
    }),
    { numRuns: RUNS },
  );
  // It changed hands often enough for the rest to mean something.
  expect(gains / RUNS).toBeGreaterThan(3);
});
