// What the operator asks of the API server, counted in the server's audit log without watches, leases and events. Counts
// are exact and don't depend on the machine. A convergence that takes over a second, which a busy machine makes of any,
// is left out: its progress is written to a status on the way.
import { setTimeout as delay } from 'node:timers/promises';
import { TRANSFORMS } from '../../src/kube/index.ts';
import type { AuditEntry, AuditLog, AuditMark } from '../../test/control-plane/index.ts';
import { OPERATOR_USER } from '../../test/control-plane/index.ts';
import { describeCalls, isWrite } from '../support/calls.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { OBJECTS, transformOf } from '../support/workload.ts';

export interface CallsOptions {
  /** Transforms that are settled when the operator is restarted. */
  readonly settled: number;
  /** How long nothing may happen. */
  readonly idleMs: number;
}

export interface CallsFigures {
  /** Objects of a Transform. */
  readonly n: number;
  /** Calls until a new Transform has converged, in less than a second: the most of several. */
  readonly converge: number;
  /** Calls while nothing changes. */
  readonly idle: number;
  /** Calls after a restart that may store something. */
  readonly restartWrites: number;
  readonly restartRenders: number;
}

const NAMESPACE = 'calls';
const CONVERGENCES = 5;
const MAX_ATTEMPTS = 20;
/** What takes longer may write its progress to a status, once a second. */
const PROGRESS_INTERVAL_MS = 1_000;
/** Nothing is on its way any more when there was no call for this long: status writes wait for a second at most. */
const QUIET_MS = 3_000;

interface Setup extends BenchCluster {
  readonly audit: AuditLog;
  readonly report: Report;
}

export async function measureCalls(
  options: CallsOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<CallsFigures>> {
  return await withCluster({ hasAudit: true }, report, signal, async (cluster) => {
    const audit = await cluster.controlPlane.openAuditLog();
    let operator = await BenchOperator.start(cluster.controlPlane, { logLevel: 'debug' }, signal);
    try {
      const setup = { ...cluster, audit, report };
      await createNamespaces(cluster.admin, [NAMESPACE], signal);
      report('warming up: every kind once, and the cached check of the identity');
      await converge(setup, ['warm'], signal);
      const counts = await countConvergences(setup, signal);
      const missing = options.settled - counts.attempts - 1;
      report(`bringing the number of Transforms to ${options.settled}`);
      await converge(
        setup,
        Array.from({ length: missing }, (_, n) => `settled-${n + 1}`),
        signal,
      );
      report(`watching the settled operator for ${options.idleMs / 1000} s`);
      const beforeIdle = await audit.mark(signal);
      await operator.orEnd(delay(options.idleMs, undefined, { signal }));
      const idle = await callsSince(audit, beforeIdle, signal);
      report(`idle, ${idle.length} calls: ${describeCalls(idle)}`);
      requireCounted(operator.renders, options.settled);
      report('restarting the operator');
      await operator.stop();
      const beforeRestart = await audit.mark(signal);
      operator = await BenchOperator.start(cluster.controlPlane, { logLevel: 'debug' }, signal);
      await untilQuiet(audit, signal);
      const restart = await callsSince(audit, beforeRestart, signal);
      report(`restart, ${restart.length} calls: ${describeCalls(restart)}; ${operator.renders} renders`);
      const figures = {
        n: OBJECTS,
        converge: Math.max(...counts.calls),
        idle: idle.length,
        restartWrites: restart.filter(isWrite).length,
        restartRenders: operator.renders,
      };
      return { figures, details: { converge: counts.calls, restart: describeCalls(restart), ...options } };
    } finally {
      await operator.stop();
      await audit.close();
    }
  });
}

/** Calls of some convergences that took less than a second, one after another. */
async function countConvergences(
  setup: Setup,
  signal: AbortSignal,
): Promise<{ readonly calls: readonly number[]; readonly attempts: number }> {
  const counts: number[] = [];
  let attempts = 0;
  while (counts.length < CONVERGENCES && attempts < MAX_ATTEMPTS) {
    attempts += 1;
    const { calls, tookMs } = await converge(setup, [`measured-${attempts}`], signal);
    const isQuick = tookMs < PROGRESS_INTERVAL_MS;
    if (isQuick) counts.push(calls.length);
    const remark = isQuick ? '' : ', with time to tell of progress: not counted';
    setup.report(`converge, ${calls.length} calls${remark}: ${describeCalls(calls)}`);
  }
  if (counts.length === 0) throw new Error('no convergence took less than a second: the machine is too busy');
  return { calls: counts, attempts };
}

interface Convergence {
  readonly calls: readonly AuditEntry[];
  readonly tookMs: number;
}

/** Creates Transforms, waits until they are Ready and nothing follows; the operator's calls on the way. */
async function converge(
  { admin, audit }: Setup,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Convergence> {
  const transforms = names.map((name) => ({ namespace: NAMESPACE, name }));
  const watch = await watchReady(admin, transforms, signal);
  try {
    const mark = await audit.mark(signal);
    const ready = watch.wait();
    const startedAtMs = performance.now();
    await Promise.all(
      names.map((name) => admin.create(TRANSFORMS, transformOf('inline', NAMESPACE, name), {}, signal)),
    );
    await ready;
    const tookMs = performance.now() - startedAtMs;
    await untilQuiet(audit, signal);
    return { calls: await callsSince(audit, mark, signal), tookMs };
  } finally {
    watch.close();
  }
}

/** A counter that counts nothing would make every restart look good. */
function requireCounted(renders: number, transforms: number): void {
  if (renders >= transforms) return;
  throw new Error(`${renders} renders were counted for ${transforms} Transforms: the log is not what it was`);
}

async function untilQuiet(audit: AuditLog, signal: AbortSignal): Promise<void> {
  for (;;) {
    const mark = await audit.mark(signal);
    await delay(QUIET_MS, undefined, { signal });
    if ((await callsSince(audit, mark, signal)).length === 0) return;
  }
}

async function callsSince(
  audit: AuditLog,
  mark: AuditMark,
  signal: AbortSignal,
): Promise<readonly AuditEntry[]> {
  return await audit.callsSince(mark, { user: OPERATOR_USER }, signal);
}
