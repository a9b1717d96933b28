// Many rounds of a bad day in a small cluster, with one operator process throughout: users change things while calls are
// answered with errors, lost or cut, watches break, and now and then the API server goes away. After each round of it
// everything has to be right again within a minute. What is asked beside: does the process grow?
import { setTimeout as delay } from 'node:timers/promises';
import { GRAPH_LABEL } from '../../src/api/index.ts';
import { isJsonObject } from '../../src/json/index.ts';
import { CONFIG_MAPS, type OperatorClient } from '../../src/kube/index.ts';
import { type FaultProxy, startFaultProxy } from '../../test/faults/proxy/index.ts';
import { type Random, seededRandom } from '../../test/simulation/random.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { memoryOf } from '../support/memory.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { rounded } from '../support/statistics.ts';
import { Churn, VALUE_KEY } from './churn.ts';
import { type Slope, slopeOf } from './slope.ts';
import { beginTrouble } from './trouble.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly transforms: number;
  /** Changes a second while there is trouble. */
  readonly rate: number;
  readonly seed: number;
}

export interface SoakFigures {
  readonly minutes: number;
  readonly rounds: number;
  readonly changes: number;
  /** Calls and watches that a fault was put upon. */
  readonly faults: number;
  readonly apiServerStops: number;
  /** Rounds after which something was still wrong a minute later. */
  readonly roundsNotConverged: number;
  /** The longest of the others, in seconds. */
  readonly longestConvergenceSeconds: number;
  /** Resident memory, each at the end of a round, without the first rounds. */
  readonly rssMiB: { readonly first: number; readonly last: number; readonly perHour: Slope };
}

/** With less there is nothing to draw a line through. */
export const SHORTEST_SOAK_MINUTES = 10;

const NAMESPACES = ['soak-1', 'soak-2', 'soak-3', 'soak-4'];
const TROUBLE_MS = 40_000;
const CONVERGE_LIMIT_MS = 60_000;
const STOP_EVERY_ROUNDS = 5;
const STOP_MS = 3_000;
const POLL_MS = 200;
/** Rounds until caches are full and code is compiled: what grows in them is not a leak. */
const WARM_UP_ROUNDS = 4;
const MINUTE_MS = 60_000;
const MINUTES_PER_HOUR = 60;

interface Round {
  readonly minutes: number;
  readonly rssMiB: number;
  readonly faults: number;
  /** Undefined where it was not right again in time. */
  readonly convergedSeconds: number | undefined;
  readonly wrong: readonly string[];
}

export async function measureSoak(
  options: SoakOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<SoakFigures>> {
  return await withCluster({ hasAudit: false }, report, signal, async (cluster) => {
    await createNamespaces(cluster.admin, NAMESPACES, signal);
    const proxy = await startFaultProxy(cluster.controlPlane);
    try {
      const operator = await BenchOperator.start(proxy, { logLevel: 'info' }, signal);
      try {
        return await operator.orEnd(new Soak(options, cluster, proxy, operator, report, signal).run());
      } finally {
        await operator.stop();
      }
    } finally {
      await proxy.close();
    }
  });
}

class Soak {
  readonly #options: SoakOptions;
  readonly #cluster: BenchCluster;
  readonly #proxy: FaultProxy;
  readonly #operator: BenchOperator;
  readonly #report: Report;
  readonly #signal: AbortSignal;
  readonly #random: Random;
  readonly #churn: Churn;
  #apiServerStops = 0;

  constructor(
    options: SoakOptions,
    cluster: BenchCluster,
    proxy: FaultProxy,
    operator: BenchOperator,
    report: Report,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#proxy = proxy;
    this.#operator = operator;
    this.#report = report;
    this.#signal = signal;
    this.#random = seededRandom(options.seed);
    const { transforms } = options;
    this.#churn = new Churn({
      admin: cluster.admin,
      random: this.#random,
      namespaces: NAMESPACES,
      transforms,
    });
  }

  async run(): Promise<Measured<SoakFigures>> {
    const { minutes } = this.#options;
    await this.#churn.begin(this.#signal);
    await this.#converge();
    const startedAtMs = performance.now();
    const rounds: Round[] = [];
    while (performance.now() - startedAtMs < minutes * MINUTE_MS) {
      const round = await this.#round(rounds.length, startedAtMs);
      rounds.push(round);
      const { convergedSeconds, rssMiB, faults, wrong } = round;
      const outcome =
        convergedSeconds === undefined ? `NOT RIGHT: ${wrong.join('; ')}` : `${convergedSeconds} s`;
      this.#report(`round ${rounds.length}: ${faults} faults, right after ${outcome}, ${rssMiB} MiB`);
    }
    return { figures: this.#figures(rounds), details: { rounds } };
  }

  async #round(number: number, startedAtMs: number): Promise<Round> {
    const endTrouble = beginTrouble(this.#proxy, this.#random);
    await this.#change(TROUBLE_MS);
    if (number % STOP_EVERY_ROUNDS === STOP_EVERY_ROUNDS - 1) await this.#stopApiServer();
    const faults = endTrouble();
    const { seconds, wrong } = await this.#converge();
    return {
      minutes: rounded((performance.now() - startedAtMs) / MINUTE_MS, 2),
      rssMiB: memoryOf(this.#operator.pid).rssMiB,
      faults,
      convergedSeconds: seconds,
      wrong,
    };
  }

  /** Changes things at the rate that was asked for. */
  async #change(forMs: number): Promise<void> {
    const endsAtMs = performance.now() + forMs;
    while (performance.now() < endsAtMs) {
      await this.#churn.change(this.#signal);
      await delay(1_000 / this.#options.rate, undefined, { signal: this.#signal });
    }
  }

  async #stopApiServer(): Promise<void> {
    const { controlPlane } = this.#cluster;
    this.#apiServerStops += 1;
    await controlPlane.stopApiServer('at-once');
    await delay(STOP_MS, undefined, { signal: this.#signal });
    await controlPlane.startApiServer(this.#signal);
  }

  /** Looks until everything is as it should be, or a minute is over. */
  async #converge(): Promise<{ readonly seconds: number | undefined; readonly wrong: readonly string[] }> {
    const startedAtMs = performance.now();
    for (;;) {
      const wrong = await differences(this.#cluster.admin, this.#churn.expected(), this.#signal);
      const elapsedMs = performance.now() - startedAtMs;
      if (wrong.length === 0) return { seconds: rounded(elapsedMs / 1_000, 1), wrong };
      if (elapsedMs > CONVERGE_LIMIT_MS) return { seconds: undefined, wrong };
      await delay(POLL_MS, undefined, { signal: this.#signal });
    }
  }

  #figures(rounds: readonly Round[]): SoakFigures {
    const warm = rounds.slice(WARM_UP_ROUNDS);
    const points = warm.map(({ minutes, rssMiB }) => [minutes / MINUTES_PER_HOUR, rssMiB] as const);
    const { perUnit, interval } = slopeOf(points);
    const [low, high] = interval;
    const slow = rounds.map(({ convergedSeconds }) => convergedSeconds ?? 0);
    return {
      minutes: rounds.at(-1)?.minutes ?? 0,
      rounds: rounds.length,
      changes: this.#churn.changes,
      faults: rounds.reduce((total, { faults }) => total + faults, 0),
      apiServerStops: this.#apiServerStops,
      roundsNotConverged: rounds.filter(({ convergedSeconds }) => convergedSeconds === undefined).length,
      longestConvergenceSeconds: Math.max(...slow),
      rssMiB: {
        first: warm[0]?.rssMiB ?? 0,
        last: warm.at(-1)?.rssMiB ?? 0,
        perHour: { perUnit: rounded(perUnit, 1), interval: [rounded(low, 1), rounded(high, 1)] },
      },
    };
  }
}

/** Objects that are missing, are not what they should be, or should not be there; a few of them. */
async function differences(
  admin: OperatorClient,
  expected: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const left = new Map(expected);
  const wrong: string[] = [];
  for (const object of await admin.listAll(CONFIG_MAPS, { labelSelector: GRAPH_LABEL }, signal)) {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const data = object['data'];
    const value = isJsonObject(data) ? data[VALUE_KEY] : undefined;
    if (!left.has(key)) wrong.push(`${key} is left over`);
    else if (value !== left.get(key)) wrong.push(`${key} is ${String(value)}, not ${left.get(key)}`);
    left.delete(key);
  }
  wrong.push(...[...left.keys()].map((key) => `${key} is missing`));
  return wrong.slice(0, 5);
}
