// One run of a scenario, in a namespace of its own, with a proxy and an operator of its own: the base settles, a fault is
// put in place, the action happens, and everything settles again.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OperatorClient } from '../../src/kube/index.ts';
import { openNamespace } from '../campaign/namespace.ts';
import { describeStanding, standingOf } from '../campaign/settle.ts';
import type { World } from '../campaign/world.ts';
import { type ControlPlaneAccess, OPERATOR_IDENTITY, type ReaperLink } from '../control-plane/index.ts';
import { describeCall, type Point } from './campaigns/index.ts';
import { countWatches } from './campaigns/watches.ts';
import { KeptOperator } from './operator.ts';
import { compareOutcomes, type Outcome, takeOutcome } from './oracle.ts';
import { type FaultProxy, type SeenCall, startFaultProxy } from './proxy/index.ts';
import type { Scenario } from './scenarios/index.ts';

/** What all runs share. */
export interface Ground {
  readonly controlPlane: ControlPlaneAccess;
  /** A client with all rights. */
  readonly admin: OperatorClient;
  /** Path of the operator's program. */
  readonly program: string;
  readonly reaper: ReaperLink;
  /** Folder in which each run has its own. */
  readonly directory: string;
  /** Further flags of the operator. */
  readonly flags?: readonly string[];
  readonly signal: AbortSignal;
}

/** The two states of a run, and the calls in between. */
export interface Passage {
  /** Undefined where the base itself is what happens. */
  readonly before: Outcome | undefined;
  readonly after: Outcome;
  readonly calls: readonly SeenCall[];
  /** As in a `FaultFreeRun`. */
  readonly watches: ReadonlyMap<string, number>;
}

export interface RunResult {
  readonly passage: Passage;
  readonly world: World;
  /** What the fault was put upon; undefined where the run came to no such call. */
  readonly reached: string | undefined;
  /** What is not as it has to be. */
  readonly lines: readonly string[];
  readonly logPath: string;
}

/** For how long nothing but watches may be called before a run counts as settled. */
export const QUIET_MS = 5_000;
const BASE_QUIET_MS = 1_000;
/** Generous: backoffs, leases of answers that never came, and a machine that does much else. */
const SETTLE_LIMIT_MS = 240_000;
const POLL_MS = 200;
const MAX_CALLS_TOLD = 8;

interface Settled {
  readonly outcome: Outcome;
  /** Empty, or what was still wrong when time was over. */
  readonly wrong: readonly string[];
}

/**
 * @param point the fault; none for the run that all others are compared with
 * @param expected what the run without a fault led to
 */
export async function runScenario(
  ground: Ground,
  scenario: Scenario,
  point: Point | undefined,
  expected: Passage | undefined,
): Promise<RunResult> {
  const { controlPlane, admin, signal } = ground;
  const world = await openNamespace(admin, scenario.base, signal);
  const proxy = await startFaultProxy(controlPlane);
  const directory = join(ground.directory, world.namespace);
  await mkdir(directory);
  const operator = new KeptOperator({
    program: ground.program,
    kubeconfig: await proxy.kubeconfigFor(OPERATOR_IDENTITY),
    namespace: world.namespace,
    flags: ground.flags ?? [],
    directory,
    reaper: ground.reaper,
    beforeRestart: () => proxy.letThrough(),
  });
  try {
    return await new Run(scenario, world, proxy, operator).through(point, expected);
  } finally {
    await operator.stop();
    await proxy.close();
  }
}

class Run {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #proxy: FaultProxy;
  readonly #operator: KeptOperator;
  #isUnderWay: () => boolean = () => false;

  constructor(scenario: Scenario, world: World, proxy: FaultProxy, operator: KeptOperator) {
    this.#scenario = scenario;
    this.#world = world;
    this.#proxy = proxy;
    this.#operator = operator;
  }

  async through(point: Point | undefined, expected: Passage | undefined): Promise<RunResult> {
    const scenario = this.#scenario;
    const world = this.#world;
    const proxy = this.#proxy;
    const operator = this.#operator;
    const watches = countWatches(proxy);
    const before = scenario.act === undefined ? undefined : await this.#makeBase();
    proxy.restartCount();
    watches.restart();
    const fault = point?.arm({ scenario, world, proxy, kill: () => operator.kill() });
    if (scenario.act === undefined) operator.start();
    else await scenario.act(world);
    this.#isUnderWay = () => fault?.isUnderWay?.() ?? false;
    const { outcome, wrong } = await this.#settle(scenario.end, QUIET_MS, (now) =>
      expected === undefined ? now.inventoryFaults : compareOutcomes(expected, before, now),
    );
    const { calls } = proxy;
    return {
      passage: { before, after: outcome, calls, watches: watches.counts },
      world,
      reached: fault?.reached(),
      lines: [
        ...wrong,
        ...(fault?.verify?.({ calls }) ?? []),
        ...operator.endings.map((how) => `the operator ended by itself: ${how}`),
      ],
      logPath: operator.logPath,
    };
  }

  async #makeBase(): Promise<Outcome> {
    this.#operator.start();
    const { outcome, wrong } = await this.#settle('ready', BASE_QUIET_MS, () => []);
    if (wrong.length > 0) throw new Error(`the base: ${wrong.join('; ')}`);
    return outcome;
  }

  /** Until the Transform is where it has to get, nobody calls any more, and `judge` finds nothing; or time is over. */
  async #settle(
    end: Scenario['end'],
    quietMs: number,
    judge: (outcome: Outcome) => readonly string[],
  ): Promise<Settled> {
    const world = this.#world;
    const endsAtMs = performance.now() + SETTLE_LIMIT_MS;
    for (;;) {
      world.signal.throwIfAborted();
      const isOver = performance.now() >= endsAtMs;
      const hasSettled = await this.#hasSettled(end, quietMs);
      if (hasSettled || isOver) {
        const outcome = await takeOutcome(world, this.#proxy.calls);
        const restless = hasSettled ? [] : [await this.#describe(end)];
        const wrong = [...restless, ...judge(outcome)];
        if (wrong.length === 0 || isOver) return { outcome, wrong };
      }
      await world.pause(POLL_MS);
    }
  }

  async #hasSettled(end: Scenario['end'], quietMs: number): Promise<boolean> {
    const isQuiet = (): boolean => callsSince(this.#proxy.calls, performance.now() - quietMs).length === 0;
    if (this.#isUnderWay() || !isQuiet() || (await standingOf(this.#world)) !== end) return false;
    // Nothing may have begun while the Transform was looked at.
    await delay(0);
    return isQuiet();
  }

  async #describe(end: Scenario['end']): Promise<string> {
    const standing = await describeStanding(this.#world);
    const calls = callsSince(this.#proxy.calls, performance.now() - QUIET_MS).slice(0, MAX_CALLS_TOLD);
    const told = calls.map((call) => `\n    ${describeCall(call)}`).join('');
    const ended = this.#operator.endings.map((how) => `; the operator ${how}`).slice(0, 1);
    return `it did not settle (${end}); ${standing}; of late:${told || ' no call'}${ended.join('')}`;
  }
}

/** Calls other than watches that came in since, or that still wait for their answer. */
export function callsSince(calls: readonly SeenCall[], sinceMs: number): readonly SeenCall[] {
  return calls.filter(
    ({ verb, isLease, receivedAtMs, delivered }) =>
      verb !== 'watch' && !isLease && (receivedAtMs >= sinceMs || delivered === undefined),
  );
}
