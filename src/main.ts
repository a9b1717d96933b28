// Runs the operator: makes what all parts share, starts the parts in order and stops them in reverse. The parts themselves
// are put together in operator-parts.ts.
import { Reachability } from './kube/index.ts';
import { Metrics } from './observability/index.ts';
import { clusterConfig, connect } from './operator-cluster.ts';
import { OperatorHealth } from './operator-health.ts';
import { Sharing } from './operator-leases.ts';
import type { OperatorOptions } from './operator-options.ts';
import { buildParts, closing } from './operator-parts.ts';
import { createEvaluatorPool } from './render/index.ts';
import { Manager } from './runtime/index.ts';
import { HealthServer, MetricsServer } from './server/index.ts';

export type { OperatorOptions } from './operator-options.ts';

/**
 * Runs the operator until `signal` is aborted, then stops it gracefully.
 * @throws what kept a part from starting and will not change by itself: a configuration that can't be read, a port that
 * is taken, a broken CUE folder. What may change is waited for: the API server, the CRDs, the operator's rights.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { healthAddress, log } = options;
  const health = new OperatorHealth();
  if (healthAddress === undefined) return await run(options, health, signal);
  // Before all else: the start may take its time, and what asks has to hear that it is under way.
  const server = new HealthServer({ address: healthAddress, live: health.live, ready: health.ready, log });
  try {
    await server.start(signal);
    await run(options, health, signal);
  } finally {
    await server.stop();
  }
}

async function run(options: OperatorOptions, health: OperatorHealth, signal: AbortSignal): Promise<void> {
  const { log, metricsAddress } = options;
  const metrics = new Metrics();
  const reachability = new Reachability({
    look: (looking) => client.checkServing(looking),
    log,
    now: Date.now,
    random: Math.random,
  });
  const config = await clusterConfig(options);
  const sharing =
    options.sharing === undefined ? undefined : new Sharing(options.sharing, { ...options, config, metrics });
  const client = connect(options, config, { metrics, reachability, sharing });
  metrics.api.watchLoad(() => client.load);
  const pool = await createEvaluatorPool({
    maxWorkers: options.renderWorkers,
    deadlineMs: options.renderDeadlineMs,
    maxMemoryBytes: options.renderMemoryBytes,
  });
  const manager = new Manager({ log });
  manager.add(closing('api client', () => client.close()));
  manager.add(closing('reachability', () => reachability.stop()));
  manager.add(closing('evaluator pool', () => pool.close()));
  if (metricsAddress !== undefined) {
    manager.add(new MetricsServer({ address: metricsAddress, metrics, log }));
  }
  try {
    const ground = { client, reachability, pool, metrics, manager, sharing, health };
    for (const part of await buildParts(options, ground)) manager.add(part);
    await manager.start(signal);
    log.info({ version: options.version }, 'operator is running');
    options.onReady?.();
    await untilAborted(signal);
  } finally {
    log.info('operator is stopping');
    try {
      // First of all, since others wait for it.
      await sharing?.handOver();
    } finally {
      await manager.stop();
    }
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
