// One Transform of a thousand objects: how many calls it takes, and how long, against the floor: the same objects by
// nothing but applies, as many at a time as the graph may have in flight. A chain has one at a time in both.
import { setTimeout as delay } from 'node:timers/promises';
import { TRANSFORMS } from '../../src/kube/index.ts';
import type { AuditLog } from '../../test/control-plane/index.ts';
import { OPERATOR_USER } from '../../test/control-plane/index.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import { cpuSeconds, cpuSince, type Watched } from '../support/cpu-time.ts';
import { Floor } from '../support/floor.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { median, rounded, spread } from '../support/statistics.ts';
import { objectsOf, type Shape, transformOf } from './shapes.ts';
import { timelineOf } from './timeline.ts';

export interface GraphOptions {
  readonly nodes: number;
  readonly rounds: number;
  readonly shapes: readonly Shape[];
  /** Where a CPU profile of the operator goes. */
  readonly profileDirectory?: string | undefined;
}

/** Medians; `ratio` is the median of the rounds' ratios, `calls` the most of any round. */
export interface ShapeFigures {
  readonly calls: number;
  readonly seconds: number;
  readonly floorSeconds: number;
  readonly ratio: number;
  /** CPU time of all processes together, to the floor's: other work on the machine is not in it. */
  readonly cpuRatio: number;
}

export type GraphFigures = { readonly nodes: number } & { readonly [S in Shape]?: ShapeFigures };

/** Objects in flight of one graph, by the operator's default. */
const GRAPH_CONCURRENCY = 10;
const PAUSE_MS = 1_500;

interface Taken {
  readonly seconds: number;
  /** CPU seconds by process. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

interface Round extends Taken {
  readonly calls: number;
  readonly floor: Taken;
}

interface Setup extends BenchCluster {
  readonly options: GraphOptions;
  readonly floor: Floor;
  readonly audit: AuditLog;
  readonly processes: readonly Watched[];
  readonly report: Report;
}

export async function measureGraph(
  options: GraphOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<GraphFigures>> {
  return await withCluster({ hasAudit: true }, report, signal, async (cluster) => {
    const floor = await Floor.open(cluster.controlPlane);
    const flags = ['--max-nodes', String(options.nodes)];
    const { profileDirectory } = options;
    const operatorOptions = { logLevel: 'info', flags, profileDirectory } as const;
    const operator = await BenchOperator.start(cluster.controlPlane, operatorOptions, signal);
    const audit = await cluster.controlPlane.openAuditLog();
    try {
      const processes = [
        ...cluster.controlPlane.processes().filter(({ name }) => name !== 'reaper'),
        { name: 'operator', pid: operator.pid },
        { name: 'benchmark', pid: process.pid },
      ];
      const setup = { ...cluster, options, floor, audit, processes, report };
      report('warming up: the kind once');
      await runTransform(setup, 'wide', 'warm', 1, signal);
      return await operator.orEnd(runShapes(setup, signal));
    } finally {
      await operator.stop();
      await audit.close();
      await floor.close();
    }
  });
}

async function runShapes(setup: Setup, signal: AbortSignal): Promise<Measured<GraphFigures>> {
  const { nodes, rounds, shapes } = setup.options;
  const details: { [S in Shape]: Round[] } = { chain: [], wide: [] };
  for (let number = 1; number <= rounds; number += 1) {
    for (const shape of shapes) {
      const round = await runRound(setup, shape, number, signal);
      details[shape].push(round);
      setup.report(`${shape} ${number}: ${describeRound(round)}`);
    }
  }
  const figures = Object.fromEntries(shapes.map((shape) => [shape, figuresOf(details[shape])]));
  return { figures: { nodes, ...figures }, details };
}

function describeRound({ calls, floor, ...taken }: Round): string {
  const ratio = `${(taken.seconds / floor.seconds).toFixed(2)}x`;
  const cpu = `CPU seconds ${JSON.stringify(taken.cpuSeconds)}, floor ${JSON.stringify(floor.cpuSeconds)}`;
  return `${calls} calls, ${taken.seconds} s, floor ${floor.seconds} s: ${ratio}; ${cpu}`;
}

function total(seconds: Readonly<Record<string, number>>): number {
  return Object.values(seconds).reduce((sum, each) => sum + each, 0);
}

function figuresOf(rounds: readonly Round[]): ShapeFigures {
  const [, calls] = spread(rounds.map((round) => round.calls));
  return {
    calls,
    seconds: rounded(median(rounds.map(({ seconds }) => seconds)), 3),
    floorSeconds: rounded(median(rounds.map(({ floor }) => floor.seconds)), 3),
    ratio: rounded(median(rounds.map(({ seconds, floor }) => seconds / floor.seconds)), 2),
    cpuRatio: rounded(
      median(rounds.map((round) => total(round.cpuSeconds) / total(round.floor.cpuSeconds))),
      2,
    ),
  };
}

async function runRound(setup: Setup, shape: Shape, number: number, signal: AbortSignal): Promise<Round> {
  const { nodes } = setup.options;
  const isFloorFirst = number % 2 === 1;
  const theirs = (): Promise<Taken> => runFloor(setup, shape, `floor-${shape}-${number}`, signal);
  const early = isFloorFirst ? await theirs() : undefined;
  const ours = await runTransform(setup, shape, `${shape}-${number}`, nodes, signal);
  return { ...ours, floor: early ?? (await theirs()) };
}

async function measured(processes: readonly Watched[], work: () => Promise<unknown>): Promise<Taken> {
  const before = cpuSeconds(processes);
  const startedAtMs = performance.now();
  await work();
  const seconds = rounded((performance.now() - startedAtMs) / 1000, 3);
  return { seconds, cpuSeconds: cpuSince(before, cpuSeconds(processes)) };
}

async function runTransform(
  { admin, audit, processes, report }: Setup,
  shape: Shape,
  namespace: string,
  count: number,
  signal: AbortSignal,
): Promise<Omit<Round, 'floor'>> {
  await createNamespaces(admin, [namespace], signal);
  const watch = await watchReady(admin, [{ namespace, name: shape }], signal);
  try {
    await delay(PAUSE_MS, undefined, { signal });
    const mark = await audit.mark();
    const ready = watch.wait();
    const startedAt = Date.now();
    const taken = await measured(processes, async () => {
      await admin.create(TRANSFORMS, transformOf(shape, namespace, count), {}, signal);
      await ready;
    });
    const calls = await audit.callsSince(mark, { user: OPERATOR_USER });
    for (const line of timelineOf(calls, startedAt)) report(line);
    return { ...taken, calls: calls.length };
  } finally {
    watch.close();
  }
}

async function runFloor(
  { admin, floor, options, processes }: Setup,
  shape: Shape,
  namespace: string,
  signal: AbortSignal,
): Promise<Taken> {
  await createNamespaces(admin, [namespace], signal);
  await delay(PAUSE_MS, undefined, { signal });
  const objects = objectsOf(namespace, options.nodes);
  return await measured(processes, () => floor.apply(objects, shape === 'chain' ? 1 : GRAPH_CONCURRENCY));
}
