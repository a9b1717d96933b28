// One Transform of a thousand objects: how many calls it takes, and how long, against the floor: the same objects by
// nothing but applies, as many at a time as the graph may have in flight. A chain has one at a time in both.
import { setTimeout as delay } from 'node:timers/promises';
import { TRANSFORMS } from '../../src/kube/index.ts';
import type { AuditLog } from '../../test/control-plane/index.ts';
import { describeCalls } from '../support/calls.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import { Floor } from '../support/floor.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator, OPERATOR_USER } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { median, rounded, spread } from '../support/statistics.ts';
import { objectsOf, SHAPES, type Shape, transformOf } from './shapes.ts';

export interface GraphOptions {
  readonly nodes: number;
  readonly rounds: number;
}

/** Medians; `ratio` is the median of the rounds' ratios, `calls` the most of any round. */
export interface ShapeFigures {
  readonly calls: number;
  readonly seconds: number;
  readonly floorSeconds: number;
  readonly ratio: number;
}

export type GraphFigures = { readonly nodes: number } & { readonly [S in Shape]: ShapeFigures };

/** Objects in flight of one graph, by the operator's default. */
const GRAPH_CONCURRENCY = 10;
const PAUSE_MS = 1_500;

interface Round {
  readonly calls: number;
  readonly seconds: number;
  readonly floorSeconds: number;
}

interface Setup extends BenchCluster {
  readonly options: GraphOptions;
  readonly floor: Floor;
  readonly audit: AuditLog;
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
    const operator = await BenchOperator.start(cluster.controlPlane, { logLevel: 'info', flags }, signal);
    const audit = await cluster.controlPlane.openAuditLog();
    try {
      const setup = { ...cluster, options, floor, audit, report };
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
  const { nodes, rounds } = setup.options;
  const details: { [S in Shape]: Round[] } = { chain: [], wide: [] };
  for (let number = 1; number <= rounds; number += 1) {
    for (const shape of SHAPES) {
      const round = await runRound(setup, shape, number, signal);
      details[shape].push(round);
      const { calls, seconds, floorSeconds } = round;
      const ratio = (seconds / floorSeconds).toFixed(2);
      setup.report(`${shape} ${number}: ${calls} calls, ${seconds} s, floor ${floorSeconds} s: ${ratio}x`);
    }
  }
  return { figures: { nodes, chain: figuresOf(details.chain), wide: figuresOf(details.wide) }, details };
}

function figuresOf(rounds: readonly Round[]): ShapeFigures {
  const [, calls] = spread(rounds.map((round) => round.calls));
  return {
    calls,
    seconds: rounded(median(rounds.map(({ seconds }) => seconds)), 3),
    floorSeconds: rounded(median(rounds.map(({ floorSeconds }) => floorSeconds)), 3),
    ratio: rounded(median(rounds.map(({ seconds, floorSeconds }) => seconds / floorSeconds)), 2),
  };
}

async function runRound(setup: Setup, shape: Shape, number: number, signal: AbortSignal): Promise<Round> {
  const { nodes } = setup.options;
  const isFloorFirst = number % 2 === 1;
  const theirs = (): Promise<number> => runFloor(setup, shape, `floor-${shape}-${number}`, signal);
  const early = isFloorFirst ? await theirs() : undefined;
  const ours = await runTransform(setup, shape, `${shape}-${number}`, nodes, signal);
  return { ...ours, floorSeconds: early ?? (await theirs()) };
}

async function runTransform(
  { admin, audit, report }: Setup,
  shape: Shape,
  namespace: string,
  count: number,
  signal: AbortSignal,
): Promise<{ readonly calls: number; readonly seconds: number }> {
  await createNamespaces(admin, [namespace], signal);
  const watch = await watchReady(admin, [{ namespace, name: shape }], signal);
  try {
    await delay(PAUSE_MS, undefined, { signal });
    const mark = await audit.mark();
    const ready = watch.wait();
    const startedAtMs = performance.now();
    await admin.create(TRANSFORMS, transformOf(shape, namespace, count), {}, signal);
    await ready;
    const seconds = rounded((performance.now() - startedAtMs) / 1000, 3);
    const calls = await audit.callsSince(mark, { user: OPERATOR_USER });
    report(describeCalls(calls));
    return { calls: calls.length, seconds };
  } finally {
    watch.close();
  }
}

async function runFloor(
  { admin, floor, options }: Setup,
  shape: Shape,
  namespace: string,
  signal: AbortSignal,
): Promise<number> {
  await createNamespaces(admin, [namespace], signal);
  await delay(PAUSE_MS, undefined, { signal });
  const startedAtMs = performance.now();
  await floor.apply(objectsOf(namespace, options.nodes), shape === 'chain' ? 1 : GRAPH_CONCURRENCY);
  return rounded((performance.now() - startedAtMs) / 1000, 3);
}
