// How long it takes from the creation of many Transforms until the last of them is Ready, against the floor: the same
// objects by plain applies. Both take turns on one control plane, each time in fresh namespaces, and who begins changes
// from round to round.
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonArray, isJsonObject, type JsonObject } from '../../src/json/index.ts';
import { type OperatorClient, type Resource, TRANSFORMS } from '../../src/kube/index.ts';
import type { AuditLog } from '../../test/control-plane/index.ts';
import { describeCalls } from '../support/calls.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import { cpuSeconds, describeCpu } from '../support/cpu-time.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator, OPERATOR_USER } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { median, rounded, spread } from '../support/statistics.ts';
import { type ModuleChoice, transformOf } from '../support/workload.ts';
import { Floor } from './floor.ts';

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

/** Transforms in one namespace. */
const PER_NAMESPACE = 25;
const POLL_MS = 100;
const PAUSE_MS = 1_500;
const DEPLOYMENTS: Resource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  verbs: ['list'],
};

interface Setup extends BenchCluster {
  readonly options: ConvergeOptions;
  readonly floor: Floor;
  readonly operator: BenchOperator;
  readonly audit: AuditLog | undefined;
  readonly report: Report;
}

interface Batch {
  readonly namespaces: readonly string[];
  readonly names: readonly { readonly namespace: string; readonly name: string }[];
}

export async function measureConverge(
  options: ConvergeOptions,
  report: Report,
  signal: AbortSignal,
): Promise<ConvergeFigures> {
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

async function runRounds(setup: Setup, signal: AbortSignal): Promise<ConvergeFigures> {
  const { count, rounds } = setup.options;
  const pairs: { readonly seconds: number; readonly floorSeconds: number }[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const ours = (): Promise<number> => runTransforms(setup, batchOf(`transforms-${round}`, count), signal);
    const theirs = (): Promise<number> => runFloor(setup, batchOf(`floor-${round}`, count), signal);
    const isFloorFirst = round % 2 === 1;
    const early = isFloorFirst ? await theirs() : await ours();
    const late = isFloorFirst ? await ours() : await theirs();
    const [floorSeconds, seconds] = isFloorFirst ? [early, late] : [late, early];
    pairs.push({ seconds, floorSeconds });
    setup.report(
      `round ${round}: ${seconds.toFixed(2)} s, floor ${floorSeconds.toFixed(2)} s: ${(seconds / floorSeconds).toFixed(2)}x`,
    );
  }
  const ratios = pairs.map(({ seconds, floorSeconds }) => seconds / floorSeconds);
  const [lowest, highest] = spread(ratios);
  setup.report(`to the floor: ${lowest.toFixed(2)} to ${highest.toFixed(2)} over ${rounds} rounds`);
  return {
    count,
    seconds: rounded(median(pairs.map(({ seconds }) => seconds)), 3),
    floorSeconds: rounded(median(pairs.map(({ floorSeconds }) => floorSeconds)), 3),
    ratio: rounded(median(ratios), 2),
  };
}

async function runTransforms(setup: Setup, batch: Batch, signal: AbortSignal): Promise<number> {
  const { admin, options } = setup;
  await createNamespaces(admin, batch.namespaces, signal);
  const objects = batch.names.map(({ namespace, name }) => transformOf(options.module, namespace, name));
  const watch = await watchReady(admin, batch.names, signal);
  try {
    await delay(PAUSE_MS, undefined, { signal });
    return await accounted(setup, 'Transforms', async () => {
      const startedAtMs = performance.now();
      const ready = watch.wait();
      await Promise.all(objects.map((object) => admin.create(TRANSFORMS, object, {}, signal)));
      await ready;
      return (performance.now() - startedAtMs) / 1000;
    });
  } finally {
    watch.close();
    await untilRolledOut(admin, batch, signal);
  }
}

async function runFloor(setup: Setup, batch: Batch, signal: AbortSignal): Promise<number> {
  const { admin, floor } = setup;
  await createNamespaces(admin, batch.namespaces, signal);
  await delay(PAUSE_MS, undefined, { signal });
  const seconds = await accounted(setup, 'floor', () => floor.apply(batch.names));
  await untilRolledOut(admin, batch, signal);
  return seconds;
}

/** Says what the processes took of the machine meanwhile. */
async function accounted<T>(setup: Setup, what: string, action: () => Promise<T>): Promise<T> {
  const { audit, controlPlane, operator, report } = setup;
  const processes = [
    ...controlPlane.processes().filter(({ name }) => name !== 'reaper'),
    { name: 'operator', pid: operator.pid },
    { name: 'bench', pid: process.pid },
  ];
  const mark = await audit?.mark();
  const before = cpuSeconds(processes);
  const result = await action();
  report(`${what}, CPU seconds: ${describeCpu(before, cpuSeconds(processes))}`);
  if (mark !== undefined) {
    const calls = (await audit?.callsSince(mark, { user: OPERATOR_USER })) ?? [];
    report(`${what}, ${calls.length} calls of the operator: ${describeCalls(calls)}`);
  }
  return result;
}

/** Waits until the Deployment controller is done with the batch: its work must not fall into the next one. */
async function untilRolledOut(admin: OperatorClient, batch: Batch, signal: AbortSignal): Promise<void> {
  for (const namespace of batch.namespaces) {
    const isDone = async (): Promise<boolean> =>
      (await admin.listAll(DEPLOYMENTS, { namespace }, signal)).every(({ status }) => isRolledOut(status));
    while (!(await isDone())) await delay(POLL_MS, undefined, { signal });
  }
}

function isRolledOut(status: unknown): boolean {
  if (!isJsonObject(status)) return false;
  const conditions = status['conditions'];
  return isJsonArray(conditions) && conditions.some((it) => isJsonObject(it) && isAvailable(it));
}

function isAvailable(condition: JsonObject): boolean {
  return condition['type'] === 'Available' && condition['status'] === 'True';
}

function batchOf(prefix: string, count: number): Batch {
  const namespaces = Array.from({ length: Math.ceil(count / PER_NAMESPACE) }, (_, n) => `${prefix}-${n + 1}`);
  const names = Array.from({ length: count }, (_, n) => ({
    namespace: `${prefix}-${Math.floor(n / PER_NAMESPACE) + 1}`,
    name: `app-${n + 1}`,
  }));
  return { namespaces, names };
}
