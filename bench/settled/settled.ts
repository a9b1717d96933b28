// What many settled Transforms cost: a restart over them, the operator's memory and CPU while nothing happens, its watches,
// and whether a Transform that is new then, or comes while much else is under way, waits for them.
import { setTimeout as delay } from 'node:timers/promises';
import type { NamespacedName } from '../../src/api/index.ts';
import type { AuditEntry, AuditLog } from '../../test/control-plane/index.ts';
import { choosePort, OPERATOR_USER } from '../../test/control-plane/index.ts';
import { describeCalls, isWrite } from '../support/calls.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import { cpuSeconds } from '../support/cpu-time.ts';
import type { Measured } from '../support/measured.ts';
import { type Memory, memoryOf } from '../support/memory.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { rounded } from '../support/statistics.ts';
import { type Latency, measureLatency } from './latency.ts';
import { namesIn, OBJECTS_OF, type PopulationShape, populate } from './population.ts';
import { untilQueuesAreEmpty } from './queues.ts';

export interface SettledOptions {
  readonly count: number;
  readonly shape: PopulationShape;
  /** How long nothing may happen. */
  readonly restMs: number;
  /** Transforms that are created at once, for the latency beside them. */
  readonly pending: number;
  /** Transforms for each latency. */
  readonly probes: number;
}

export interface SettledFigures {
  readonly transforms: number;
  readonly objects: number;
  /** After a restart: calls that may store something, renders, and all calls but watches. */
  readonly restartWrites: number;
  readonly restartRenders: number;
  readonly restartCalls: number;
  /** From the start of the process until it works, and until it has looked at everything. */
  readonly readySeconds: number;
  readonly settledSeconds: number;
  readonly watches: number;
  readonly restCalls: number;
  readonly rest: Memory;
  /** Of one core. */
  readonly restCpuPercent: number;
  readonly latencyIdle: Latency;
  readonly latencyPending: Latency;
  readonly latencyRestart: Latency;
}

const NAMESPACES = 8;
/** Idle evaluators have left after this. */
const BEFORE_REST_MS = 90_000;

interface Setup extends BenchCluster {
  readonly options: SettledOptions;
  readonly audit: AuditLog;
  readonly report: Report;
  readonly port: number;
}

export async function measureSettled(
  options: SettledOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<SettledFigures>> {
  return await withCluster({ hasAudit: true }, report, signal, async (cluster) => {
    const audit = await cluster.controlPlane.openAuditLog();
    try {
      const port = await choosePort();
      return await run({ ...cluster, options, audit, report, port }, signal);
    } finally {
      await audit.close();
    }
  });
}

async function run(setup: Setup, signal: AbortSignal): Promise<Measured<SettledFigures>> {
  const { admin, options, report } = setup;
  const { count, shape, probes } = options;
  const namespaces = Array.from({ length: NAMESPACES }, (_, at) => `settled-${at + 1}`);
  await createNamespaces(admin, [...namespaces, 'pending', 'idle', 'busy', 'restart'], signal);
  const perNamespace = Math.ceil(count / NAMESPACES);
  const names = namespaces.flatMap((name) => namesIn(name, 'app', perNamespace)).slice(0, count);

  const first = await withOperator(setup, signal, async (operator) => {
    const populatedSeconds = await bring(setup, names, signal);
    await untilQueuesAreEmpty(setup.port, signal);
    report(`${count} Transforms in ${populatedSeconds} s`);
    const atLoad = memoryOf(operator.pid);
    const latencyIdle = await measureLatency(setup, { namespace: 'idle', shape, count: probes }, signal);
    report(`new when idle: ${JSON.stringify(latencyIdle)}`);
    const [latencyPending] = await Promise.all([
      measureLatency(setup, { namespace: 'busy', shape, count: probes }, signal),
      bring(setup, namesIn('pending', 'app', options.pending), signal),
    ]);
    report(`new beside ${options.pending}: ${JSON.stringify(latencyPending)}`);
    await untilQueuesAreEmpty(setup.port, signal);
    return { populatedSeconds, atLoad, latencyIdle, latencyPending };
  });
  const restart = await withOperator(setup, signal, (operator, startedAtMs) =>
    restartAndRest(setup, operator, startedAtMs, signal),
  );
  const latencyRestart = await withOperator(setup, signal, () =>
    measureLatency(setup, { namespace: 'restart', shape, count: probes }, signal),
  );
  report(`new right after a restart: ${JSON.stringify(latencyRestart)}`);
  const { latencyIdle, latencyPending, ...loading } = first;
  const { figures, ...details } = restart;
  return {
    figures: {
      transforms: count,
      objects: count * OBJECTS_OF[shape],
      ...figures,
      latencyIdle,
      latencyPending,
      latencyRestart,
    },
    details: { ...loading, ...details, options },
  };
}

async function withOperator<T>(
  { controlPlane, port }: Setup,
  signal: AbortSignal,
  use: (operator: BenchOperator, startedAtMs: number) => Promise<T>,
): Promise<T> {
  const startedAtMs = performance.now();
  const flags = ['--metrics-address', `127.0.0.1:${port}`];
  const operator = await BenchOperator.start(controlPlane, { logLevel: 'debug', flags }, signal);
  try {
    return await operator.orEnd(use(operator, startedAtMs));
  } finally {
    await operator.stop();
  }
}

/** @returns seconds until all are Ready */
async function bring(
  { admin, options }: Setup,
  names: readonly NamespacedName[],
  signal: AbortSignal,
): Promise<number> {
  const watch = await watchReady(admin, names, signal);
  try {
    const startedAtMs = performance.now();
    await Promise.all([watch.wait(), populate(admin, options.shape, names, signal)]);
    return rounded((performance.now() - startedAtMs) / 1000, 1);
  } finally {
    watch.close();
  }
}

type RestartFigures = Omit<
  SettledFigures,
  'latencyIdle' | 'latencyPending' | 'latencyRestart' | 'objects' | 'transforms'
>;

async function restartAndRest(
  { audit, options, port, report }: Setup,
  operator: BenchOperator,
  startedAtMs: number,
  signal: AbortSignal,
): Promise<{ readonly figures: RestartFigures; readonly restart: string; readonly afterRestart: Memory }> {
  const readyMs = performance.now() - startedAtMs;
  const settledAgoMs = await untilQueuesAreEmpty(port, signal);
  const settledMs = performance.now() - startedAtMs - settledAgoMs;
  const afterRestart = memoryOf(operator.pid);
  const entries = await audit.since({ offset: 0 }, signal);
  const startedAt = Date.now() - (performance.now() - startedAtMs);
  const ours = entries.filter((entry) => isOperators(entry) && Date.parse(entry.receivedAt) >= startedAt);
  const calls = ours.filter(
    ({ stage, verb, resource }) =>
      stage === 'ResponseComplete' && verb !== 'watch' && resource !== 'leases' && resource !== 'events',
  );
  report(`restart: ${describeCalls(calls)}; ${operator.renders} renders; ${JSON.stringify(afterRestart)}`);
  await delay(BEFORE_REST_MS, undefined, { signal });
  const mark = await audit.mark(signal);
  const cpu = (): number => cpuSeconds([{ name: 'operator', pid: operator.pid }]).get('operator') ?? 0;
  const cpuBefore = cpu();
  await delay(options.restMs, undefined, { signal });
  const cpuTaken = cpu() - cpuBefore;
  const restCalls = await audit.callsSince(mark, { user: OPERATOR_USER }, signal);
  const rest = memoryOf(operator.pid);
  report(`at rest: ${JSON.stringify(rest)}, ${cpuTaken} s of CPU, calls: ${describeCalls(restCalls)}`);
  const figures = {
    restartWrites: calls.filter(isWrite).length,
    restartRenders: operator.renders,
    restartCalls: calls.length,
    readySeconds: rounded(readyMs / 1000, 2),
    settledSeconds: rounded(settledMs / 1000, 2),
    watches: openWatches(ours).length,
    restCalls: restCalls.length,
    rest,
    restCpuPercent: rounded((cpuTaken / (options.restMs / 1000)) * 100, 2),
  };
  return { figures, restart: describeCalls(calls), afterRestart };
}

function isOperators({ user }: AuditEntry): boolean {
  return user === OPERATOR_USER;
}

/** Watches that were opened and have not ended. */
function openWatches(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  const ended = new Set(
    entries.filter(({ stage }) => stage === 'ResponseComplete').map(({ auditId }) => auditId),
  );
  return entries.filter(
    ({ verb, stage, auditId }) => verb === 'watch' && stage === 'ResponseStarted' && !ended.has(auditId),
  );
}
