// How long it takes from the creation of many Transforms until the last of them is Ready, against the floor: the same
// objects by plain applies. Both take turns on one control plane, each time in fresh namespaces, and who begins changes
// from round to round.
import { setTimeout as delay } from 'node:timers/promises';
import { TRANSFORMS } from '../../src/kube/index.ts';
import type { AuditLog } from '../../test/control-plane/index.ts';
import { OPERATOR_USER } from '../../test/control-plane/index.ts';
import { describeCalls } from '../support/calls.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import { cpuSeconds, cpuSince } from '../support/cpu-time.ts';
import { Floor } from '../support/floor.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { median, rounded, spread } from '../support/statistics.ts';
import { type ModuleChoice, plainObjects, transformOf } from '../support/workload.ts';
import { type Batch, batchOf, untilRolledOut } from './batch.ts';

export interface ConvergeOptions {
  readonly count: number;
  readonly rounds: number;
  readonly module: ModuleChoice;
  /** Writes the audit log, in both, and tells the operator's calls. */
  readonly hasAudit: boolean;
  readonly profileDirectory?: string | undefined;
  /** Flags of the operator other than its defaults. */
  readonly operatorFlags: readonly string[];
}

/** Medians; `ratio` is the median of the rounds' ratios. */
export interface ConvergeFigures {
  readonly count: number;
  readonly seconds: number;
  readonly floorSeconds: number;
  readonly ratio: number;
}

const PAUSE_MS = 1_500;

/** One side of a round. */
interface Run {
  readonly seconds: number;
  /** By process. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

interface FloorRun extends Run {
  /** Until the Deployments were Available too, which Transforms wait for. */
  readonly rolledOutSeconds: number;
}

interface Round {
  readonly isFloorFirst: boolean;
  readonly transforms: Run;
  readonly floor: FloorRun;
}

interface Setup extends BenchCluster {
  readonly options: ConvergeOptions;
  readonly floor: Floor;
  readonly operator: BenchOperator;
  readonly audit: AuditLog | undefined;
  readonly report: Report;
}

export async function measureConverge(
  options: ConvergeOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<ConvergeFigures>> {
  return await withCluster({ hasAudit: options.hasAudit }, report, signal, async (cluster) => {
    const floor = await Floor.open(cluster.controlPlane);
    const { profileDirectory, operatorFlags: flags } = options;
    const operator = await BenchOperator.start(
      cluster.controlPlane,
      { logLevel: 'info', profileDirectory, flags },
      signal,
    );
    const audit = options.hasAudit ? await cluster.controlPlane.openAuditLog() : undefined;
    try {
      const setup = { ...cluster, options, floor, operator, audit, report };
      report('warming up: every kind once');
      await runTransforms(setup, batchOf('warm-transforms', 1), signal);
      await runFloor(setup, batchOf('warm-floor', 1), signal);
      return await operator.orEnd(runRounds(setup, signal));
    } finally {
      await operator.stop();
      await audit?.close();
      await floor.close();
    }
  });
}

async function runRounds(setup: Setup, signal: AbortSignal): Promise<Measured<ConvergeFigures>> {
  const { count, rounds } = setup.options;
  const details: Round[] = [];
  while (details.length < rounds) {
    const number = details.length + 1;
    const isFloorFirst = number % 2 === 1;
    const ours = (): Promise<Run> => runTransforms(setup, batchOf(`transforms-${number}`, count), signal);
    const theirs = (): Promise<FloorRun> => runFloor(setup, batchOf(`floor-${number}`, count), signal);
    const early = isFloorFirst ? await theirs() : undefined;
    const transforms = await ours();
    const round = { isFloorFirst, transforms, floor: early ?? (await theirs()) };
    details.push(round);
    setup.report(`round ${number}: ${describe(round)}`);
  }
  const ratios = details.map(({ transforms, floor }) => transforms.seconds / floor.seconds);
  const [lowest, highest] = spread(ratios);
  setup.report(`to the floor: ${lowest.toFixed(2)} to ${highest.toFixed(2)} over ${rounds} rounds`);
  const figures = {
    count,
    seconds: rounded(median(details.map(({ transforms }) => transforms.seconds)), 3),
    floorSeconds: rounded(median(details.map(({ floor }) => floor.seconds)), 3),
    ratio: rounded(median(ratios), 2),
  };
  return { figures, details };
}

function describe({ transforms, floor }: Round): string {
  const seconds = `${transforms.seconds.toFixed(2)} s, floor ${floor.seconds.toFixed(2)} s`;
  const ratio = `${(transforms.seconds / floor.seconds).toFixed(2)}x`;
  const settled = `${(transforms.seconds / floor.rolledOutSeconds).toFixed(2)}x until rolled out`;
  const cpu = `${(total(transforms.cpuSeconds) / total(floor.cpuSeconds)).toFixed(2)}x in CPU time`;
  return `${seconds}: ${ratio}, ${settled}, ${cpu}`;
}

function total(seconds: Readonly<Record<string, number>>): number {
  return Object.values(seconds).reduce((sum, one) => sum + one, 0);
}

async function runTransforms(setup: Setup, batch: Batch, signal: AbortSignal): Promise<Run> {
  const { admin, options } = setup;
  await createNamespaces(admin, batch.namespaces, signal);
  const objects = batch.names.map(({ namespace, name }) => transformOf(options.module, namespace, name));
  const watch = await watchReady(admin, batch.names, signal);
  try {
    await delay(PAUSE_MS, undefined, { signal });
    return await accounted(setup, async () => {
      const ready = watch.wait();
      await Promise.all(objects.map((object) => admin.create(TRANSFORMS, object, {}, signal)));
      await ready;
    });
  } finally {
    watch.close();
    await untilRolledOut(admin, batch, signal);
  }
}

async function runFloor(setup: Setup, batch: Batch, signal: AbortSignal): Promise<FloorRun> {
  const { admin, floor } = setup;
  await createNamespaces(admin, batch.namespaces, signal);
  await delay(PAUSE_MS, undefined, { signal });
  const objects = batch.names.flatMap(({ namespace, name }) => plainObjects(namespace, name));
  const startedAtMs = performance.now();
  const run = await accounted(setup, () => floor.apply(objects));
  // Also so that the controllers' work on these does not fall into what comes next.
  await untilRolledOut(admin, batch, signal);
  return { ...run, rolledOutSeconds: rounded((performance.now() - startedAtMs) / 1000, 3) };
}

/** Times an action, and says what the processes took of the machine meanwhile. */
async function accounted(setup: Setup, action: () => Promise<void>): Promise<Run> {
  const { audit, controlPlane, operator, report } = setup;
  const processes = [
    ...controlPlane.processes().filter(({ name }) => name !== 'reaper'),
    { name: 'operator', pid: operator.pid },
    { name: 'bench', pid: process.pid },
  ];
  const mark = await audit?.mark();
  const before = cpuSeconds(processes);
  const startedAtMs = performance.now();
  await action();
  const seconds = rounded((performance.now() - startedAtMs) / 1000, 3);
  const taken = cpuSince(before, cpuSeconds(processes));
  if (mark !== undefined) {
    const calls = (await audit?.callsSince(mark, { user: OPERATOR_USER })) ?? [];
    report(`${calls.length} calls of the operator: ${describeCalls(calls)}`);
  }
  return { seconds, cpuSeconds: taken };
}
