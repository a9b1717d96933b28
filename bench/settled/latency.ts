// How soon the first object of a new Transform is applied: from the arrival of the request that creates the Transform to
// that of the first apply in its namespace, both by the API server's clock.
import type { OperatorClient } from '../../src/kube/index.ts';
import type { AuditEntry, AuditLog } from '../../test/control-plane/index.ts';
import { OPERATOR_USER } from '../../test/control-plane/index.ts';
import { watchReady } from '../support/ready.ts';
import { median, rounded } from '../support/statistics.ts';
import { namesIn, type PopulationShape, populate } from './population.ts';

export interface Latency {
  readonly transforms: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
  /** Median time of one apply at the API server meanwhile, in ms: what a round trip costs at that load. */
  readonly applyMs: number;
}

/** Creates Transforms one after another, each when the one before is Ready. */
export async function measureLatency(
  { admin, audit }: { readonly admin: OperatorClient; readonly audit: AuditLog },
  {
    namespace,
    shape,
    count,
  }: { readonly namespace: string; readonly shape: PopulationShape; readonly count: number },
  signal: AbortSignal,
): Promise<Latency> {
  const names = namesIn(namespace, 'new', count);
  const mark = await audit.mark(signal);
  for (const name of names) {
    const watch = await watchReady(admin, [name], signal);
    try {
      await Promise.all([watch.wait(), populate(admin, shape, [name], signal)]);
    } finally {
      watch.close();
    }
  }
  const entries = (await audit.since(mark, signal)).filter((entry) => entry.namespace === namespace);
  const applies = entries.filter(isApply);
  const latencies = names.map(({ name }) => {
    const created = entries.find(
      (entry) => entry.verb === 'create' && entry.resource === 'transforms' && entry.name === name,
    );
    const first = applies.find((entry) => entry.name === name);
    if (created === undefined || first === undefined) throw new Error(`${name} is not in the audit log`);
    return Date.parse(first.receivedAt) - Date.parse(created.receivedAt);
  });
  const sorted = latencies.sort((a, b) => a - b);
  return {
    transforms: count,
    p50: median(sorted),
    p99: sorted[Math.ceil(count * 0.99) - 1] ?? Number.NaN,
    applyMs: rounded(
      median(applies.map((entry) => Date.parse(entry.stageAt) - Date.parse(entry.receivedAt))),
      1,
    ),
  };
}

function isApply(entry: AuditEntry): boolean {
  return (
    entry.user === OPERATOR_USER &&
    entry.stage === 'ResponseComplete' &&
    entry.verb === 'patch' &&
    entry.impersonatedUser !== undefined &&
    entry.code === 201
  );
}
