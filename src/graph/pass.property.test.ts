// Random graphs, works, latencies, failures and readiness, run against a virtual clock. What has to hold for each of
// them is checked by a model of its own, from what was told to the pass, never from what the pass says of itself.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphNode } from '../api/index.ts';
import { buildPlan, type NodeInput, type NodeWork, Pass, type Plan, type Readiness } from './index.ts';

const READY: Readiness = { state: 'ready', reason: 'Ready', message: 'is ready' };
const UNREADY: Readiness = { state: 'waiting', reason: 'Waiting', message: 'is not ready' };

interface SimulatedNode {
  /** Indexes below its own. */
  readonly dependsOn: readonly number[];
  readonly work: NodeWork;
  readonly wasEverReady: boolean;
  readonly latencyMs: number;
  /** How many applies fail before one succeeds. */
  readonly failures: number;
  /** After the apply; 0 is at once. */
  readonly readyAfterMs: number;
  /** When a watch says that the object stopped being ready; undefined never. */
  readonly lostAtMs: number | undefined;
}

interface Scenario {
  readonly nodes: readonly SimulatedNode[];
  readonly concurrency: number;
  readonly stopAtMs: number | undefined;
  /** Order of declaration: how far to rotate. */
  readonly rotation: number;
}

const scenarios: fc.Arbitrary<Scenario> = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.record({
    nodes: fc.tuple(...Array.from({ length: count }, (_, index) => simulatedNode(index))),
    concurrency: fc.integer({ min: 1, max: 4 }),
    stopAtMs: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined, freq: 4 }),
    rotation: fc.nat(13),
  }),
);

function simulatedNode(index: number): fc.Arbitrary<SimulatedNode> {
  const works: readonly NodeWork[] = ['create', 'create', 'create', 'update', 'repair', 'none'];
  return fc.record({
    dependsOn: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(index - 1), { maxLength: 3 }),
    work: fc.constantFrom(...works),
    wasEverReady: fc.boolean(),
    latencyMs: fc.integer({ min: 1, max: 50 }),
    failures: fc.constantFrom(0, 0, 0, 1, 2),
    readyAfterMs: fc.constantFrom(0, 0, 0, 20, 400),
    lostAtMs: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined, freq: 6 }),
  });
}

const idOf = (index: number): string => `n${index}`;

function planOf(scenario: Scenario): Plan {
  const nodes = scenario.nodes.map(
    ({ dependsOn }, index): GraphNode => ({
      id: idOf(index),
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: idOf(index) } },
      dependsOn: dependsOn.map(idOf),
    }),
  );
  const cut = scenario.rotation % nodes.length;
  const result = buildPlan([...nodes.slice(cut), ...nodes.slice(0, cut)], { namespace: 'shop' });
  if (!result.ok) throw new Error('invalid scenario');
  return result.plan;
}

interface SimulatedEvent {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** What the model knows of a node. */
interface Model {
  work: NodeWork;
  isReady: boolean;
  wasEverReady: boolean;
  isChanged: boolean;
  isFlying: boolean;
  startedInPass: number;
  failuresLeft: number;
  input: NodeInput;
}

/** `expect` costs more than all the rest of a simulation. */
function check(isTrue: boolean, message: string): void {
  if (!isTrue) throw new Error(message);
}

class Simulation {
  readonly trace: string[] = [];
  readonly models: readonly Model[];
  nowMs = 0;
  readonly #scenario: Scenario;
  readonly #plan: Plan;
  #events: SimulatedEvent[] = [];
  #sequence = 0;
  #pass: Pass | undefined;
  #passes = 0;
  #isStopped = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#plan = planOf(scenario);
    this.models = scenario.nodes.map(({ work, wasEverReady: once, failures }) => {
      const wasEverReady = once || work === 'none' || work === 'repair';
      const isPresent = work !== 'create';
      const isReady = isPresent && wasEverReady;
      const input: NodeInput = {
        status:
          wasEverReady && isPresent
            ? { phase: 'Ready', readyAt: '1970-01-01T00:00:00Z' }
            : { phase: 'Pending' },
        work,
        isChanged: work === 'create' || work === 'update',
        wasEverReady: wasEverReady && isPresent,
        readiness: isReady ? READY : UNREADY,
      };
      const isOutdated = work === 'create' || work === 'update';
      return {
        work,
        isReady: isReady && !isOutdated,
        wasEverReady: input.wasEverReady,
        isChanged: input.isChanged,
        isFlying: false,
        startedInPass: 0,
        failuresLeft: work === 'none' ? 0 : failures,
        input,
      };
    });
    scenario.nodes.forEach(({ lostAtMs }, index) => {
      if (lostAtMs !== undefined) this.#at(lostAtMs, () => this.#lose(index));
    });
    if (scenario.stopAtMs !== undefined) this.#at(scenario.stopAtMs, () => this.#stop());
  }

  /** Runs passes until the graph is Ready, and repaired where a pass was stopped before it was; @returns how many it took. */
  run(): number {
    for (;;) {
      const pass = this.#newPass();
      this.#runPass(pass);
      this.#checkOutcome(pass);
      const { phase } = pass.summary();
      if (phase === 'Ready' && pass.isFullyApplied && this.#events.length === 0) return this.#passes;
      const wakeAtMs = Math.min(
        pass.nextWakeAtMs ?? Number.POSITIVE_INFINITY,
        this.#events[0]?.atMs ?? Number.POSITIVE_INFINITY,
      );
      const isResumed = this.#isStopped;
      this.#isStopped = false;
      if (!isResumed && wakeAtMs === Number.POSITIVE_INFINITY) throw new Error(`stuck in ${phase}`);
      if (!isResumed) this.nowMs = Math.max(this.nowMs, wakeAtMs);
      this.#drainEvents();
      const statuses = pass.statuses();
      for (const [index, model] of this.models.entries()) {
        const status = statuses[idOf(index)] ?? model.input.status;
        const { work, isChanged, wasEverReady } = model;
        const readiness = model.isReady ? READY : UNREADY;
        model.input = { status, work, isChanged, wasEverReady, readiness };
      }
      if (this.#passes > 200) throw new Error('does not converge');
    }
  }

  #newPass(): Pass {
    this.#passes += 1;
    for (const model of this.models) model.startedInPass = 0;
    const inputs = new Map(this.models.map(({ input }, index) => [idOf(index), input]));
    const { concurrency } = this.#scenario;
    return new Pass(this.#plan, inputs, { concurrency, nowMs: this.nowMs, random: () => 0.5 });
  }

  #runPass(pass: Pass): void {
    this.#pass = pass;
    for (;;) {
      for (const { id, work } of pass.takeStartable(this.nowMs)) this.#start(Number(id.slice(1)), work);
      if (pass.isOver) break;
      const event = this.#events.shift();
      if (event === undefined) throw new Error('in flight for ever');
      this.nowMs = Math.max(this.nowMs, event.atMs);
      event.run();
    }
    this.#pass = undefined;
  }

  #drainEvents(): void {
    while (this.#events[0] !== undefined && this.#events[0].atMs <= this.nowMs) this.#events.shift()?.run();
  }

  #at(atMs: number, run: () => void): void {
    this.#sequence += 1;
    this.#events.push({ atMs, sequence: this.#sequence, run });
    this.#events.sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence);
  }

  #mayStart(index: number): boolean {
    const model = this.models[index];
    const dependencies = this.#scenario.nodes[index]?.dependsOn ?? [];
    if (model === undefined || model.work === 'repair') return true;
    return dependencies.every((at) => {
      const dependency = this.models[at];
      if (dependency === undefined || dependency.isReady) return true;
      return model.work === 'update' && !dependency.isChanged && dependency.wasEverReady;
    });
  }

  #start(index: number, work: NodeWork): void {
    const model = this.models[index];
    const node = this.#scenario.nodes[index];
    if (model === undefined || node === undefined) throw new Error('unknown node');
    this.trace.push(`${this.nowMs} ${work} ${index}`);
    check(work === model.work, 'another work than there is');
    check(!this.#isStopped, 'started after the stop');
    check(this.#mayStart(index), 'started before its dependencies');
    model.startedInPass += 1;
    check(model.startedInPass === 1, 'started twice');
    model.isFlying = true;
    const inFlight = this.models.filter(({ isFlying }) => isFlying).length;
    check(inFlight <= this.#scenario.concurrency, 'too many in flight');
    this.#at(this.nowMs + node.latencyMs, () => this.#land(index, node));
  }

  #land(index: number, node: SimulatedNode): void {
    const model = this.models[index];
    if (model === undefined) return;
    model.isFlying = false;
    if (model.failuresLeft > 0) {
      model.failuresLeft -= 1;
      // A node that could not be repaired counts as failed until it is.
      model.isReady = false;
      this.#pass?.failed(idOf(index), { message: 'no', reason: 'No', retry: 'backoff' }, this.nowMs);
      return;
    }
    model.work = 'none';
    const isAtOnce = node.readyAfterMs === 0;
    this.#setReady(model, isAtOnce);
    this.#pass?.applied(idOf(index), isAtOnce ? READY : UNREADY, this.nowMs);
    if (!isAtOnce) this.#at(this.nowMs + node.readyAfterMs, () => this.#see(index, true));
  }

  /** The object is lost for a while and comes back by itself, as a Pod that is moved. */
  #lose(index: number): void {
    this.#see(index, false);
    this.#at(this.nowMs + 30, () => this.#see(index, true));
  }

  #see(index: number, isReady: boolean): void {
    const model = this.models[index];
    if (model === undefined) return;
    // What is yet to be applied, or failed to be repaired, is not judged by the object as it is.
    const isJudged =
      model.work === 'none' || (model.work === 'repair' && model.failuresLeft === this.#failuresOf(index));
    if (isJudged) this.#setReady(model, isReady);
    this.#pass?.observed(idOf(index), isReady ? READY : UNREADY, this.nowMs);
  }

  #failuresOf(index: number): number {
    return this.#scenario.nodes[index]?.failures ?? 0;
  }

  #setReady(model: Model, isReady: boolean): void {
    model.isReady = isReady;
    if (isReady) model.wasEverReady = true;
  }

  #stop(): void {
    if (this.#pass === undefined) return;
    this.#isStopped = true;
    this.#pass.stop();
  }

  /** At the end of a pass nothing that could have been started is left, and no phase says more than is true. */
  #checkOutcome(pass: Pass): void {
    const statuses = pass.statuses();
    const areAllReady = this.models.every(({ isReady }) => isReady);
    check((pass.summary().phase === 'Ready') === areAllReady, 'the phase of the graph is wrong');
    const isApplied = this.models.every(({ work }) => work === 'none');
    check(pass.isFullyApplied === isApplied, 'wrong about what is applied');
    this.models.forEach((model, index) => {
      const status = statuses[idOf(index)];
      check((status?.phase === 'Ready') === model.isReady, 'the phase of a node is wrong');
      if (this.#isStopped || model.work === 'none' || model.startedInPass > 0) return;
      const isDelayed = status?.nextAttemptAt !== undefined && Date.parse(status.nextAttemptAt) > this.nowMs;
      check(isDelayed || !this.#mayStart(index), 'starved');
      check(isDelayed || /^Dependency|^No$/.test(status?.reason ?? ''), 'no reason for waiting');
    });
  }
}

describe('every pass', () => {
  it('keeps the rules, ends, starves nobody, and can be replayed', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const simulation = new Simulation(scenario);
        simulation.run();
        for (const { work, isReady } of simulation.models) {
          expect(work).toBe('none');
          expect(isReady).toBe(true);
        }
        const replay = new Simulation(scenario);
        replay.run();
        expect(replay.trace).toEqual(simulation.trace);
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);

  it('needs no longer than the critical path and the whole work divided by the bound', () => {
    const noWait = fc.record({
      nodes: fc.integer({ min: 1, max: 14 }).chain((count) =>
        fc.tuple(
          ...Array.from({ length: count }, (_, index) =>
            simulatedNode(index).map((node): SimulatedNode => {
              return {
                ...node,
                work: 'create',
                wasEverReady: false,
                failures: 0,
                readyAfterMs: 0,
                lostAtMs: undefined,
              };
            }),
          ),
        ),
      ),
      concurrency: fc.integer({ min: 1, max: 4 }),
      stopAtMs: fc.constant(undefined),
      rotation: fc.nat(13),
    });
    fc.assert(
      fc.property(noWait, (scenario) => {
        const simulation = new Simulation(scenario);
        expect(simulation.run()).toBe(1);
        const ends: number[] = [];
        for (const { dependsOn, latencyMs } of scenario.nodes) {
          ends.push(latencyMs + Math.max(0, ...dependsOn.map((at) => ends[at] ?? 0)));
        }
        const workMs = scenario.nodes.reduce((sum, { latencyMs }) => sum + latencyMs, 0);
        expect(simulation.nowMs).toBeLessThanOrEqual(Math.max(...ends) + workMs / scenario.concurrency);
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);
});
