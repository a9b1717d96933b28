// Another client edits and deletes objects of settled Transforms at random, ten thousand times: is each change taken back,
// by exactly one write, and how soon? No object is hurt more often than its repairs come at once: what happens to an
// object that somebody keeps changing is a story of its own.
import { setTimeout as delay } from 'node:timers/promises';
import { API_VERSION, GRAPH_LABEL, type KubeObject, TRANSFORM_KIND } from '../../src/api/index.ts';
import { CONFIG_MAPS, type OperatorClient, TRANSFORMS } from '../../src/kube/index.ts';
import type { AuditLog } from '../../test/control-plane/index.ts';
import { OPERATOR_USER } from '../../test/control-plane/index.ts';
import { seededRandom } from '../../test/simulation/random.ts';
import { isWrite } from '../support/calls.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces, TENANT } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { rounded } from '../support/statistics.ts';
import { dataOf, type Repairs, watchRepairs } from './repairs.ts';

export interface DriftOptions {
  /** Edits and deletions. */
  readonly changes: number;
  readonly seed: number;
}

export interface DriftFigures {
  readonly changes: number;
  readonly missed: number;
  /** Writes of the operator to these objects beyond one for each change; negative where there were fewer. */
  readonly extraWrites: number;
  /** From the answer to the change until a watch shows the object as it should be. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly seconds: number;
}

const NODES_PER_TRANSFORM = 100;
/** How often one object is hurt: fewer times than its repairs come at once. */
const HURTS_PER_OBJECT = 4;
const NAMESPACE = 'drift';
/** Changes under way at a time. */
const IN_FLIGHT = 8;
const REPAIR_LIMIT_MS = 60_000;
const DELETED_SHARE = 0.3;
const RIGHT = 'right';

interface Target {
  /** Number of the object. */
  readonly object: number;
  readonly isDeleted: boolean;
}

export async function measureDrift(
  options: DriftOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<DriftFigures>> {
  return await withCluster({ hasAudit: true }, report, signal, async (cluster) => {
    const operator = await BenchOperator.start(cluster.controlPlane, { logLevel: 'info' }, signal);
    const audit = await cluster.controlPlane.openAuditLog();
    try {
      return await operator.orEnd(run(options, cluster, audit, report, signal));
    } finally {
      await operator.stop();
      await audit.close();
    }
  });
}

async function run(
  options: DriftOptions,
  { admin }: BenchCluster,
  audit: AuditLog,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<DriftFigures>> {
  const targets = targetsOf(options);
  await createTransforms(admin, Math.ceil(options.changes / HURTS_PER_OBJECT), report, signal);
  const repairs = await watchRepairs(
    admin,
    GRAPH_LABEL,
    (object) => dataOf(object, 'value') === RIGHT,
    signal,
  );
  try {
    const mark = await audit.mark(signal);
    const startedAtMs = performance.now();
    const latenciesMs = await hurtAll(admin, repairs, targets, report, signal);
    const seconds = rounded((performance.now() - startedAtMs) / 1000, 1);
    const calls = await audit.callsSince(mark, { user: OPERATOR_USER });
    const writes = calls.filter((call) => isWrite(call) && call.resource === 'configmaps').length;
    const found = latenciesMs.filter((latencyMs) => latencyMs !== undefined).sort((a, b) => a - b);
    const figures = {
      changes: targets.length,
      missed: targets.length - found.length,
      extraWrites: writes - targets.length,
      latencyMs: {
        p50: share(found, 0.5),
        p90: share(found, 0.9),
        p99: share(found, 0.99),
        max: share(found, 1),
      },
      seconds,
    };
    return { figures, details: { histogramMs: histogram(found) } };
  } finally {
    repairs.close();
  }
}

/** Every object in every round once, in random order. */
function targetsOf({ changes, seed }: DriftOptions): readonly Target[] {
  const random = seededRandom(seed);
  const count = Math.ceil(changes / HURTS_PER_OBJECT);
  const targets: Target[] = [];
  while (targets.length < changes) {
    const objects = Array.from({ length: count }, (_, at) => at);
    for (let at = objects.length - 1; at > 0; at -= 1) {
      const other = random.between(0, at);
      [objects[at], objects[other]] = [objects[other] ?? 0, objects[at] ?? 0];
    }
    targets.push(...objects.map((object) => ({ object, isDeleted: random.chance(DELETED_SHARE) })));
  }
  return targets.slice(0, changes);
}

function nameOf(at: number): string {
  return `o${Math.floor(at / NODES_PER_TRANSFORM)}-${at % NODES_PER_TRANSFORM}`;
}

async function createTransforms(
  admin: OperatorClient,
  objects: number,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  await createNamespaces(admin, [NAMESPACE], signal);
  const count = Math.ceil(objects / NODES_PER_TRANSFORM);
  const names = Array.from({ length: count }, (_, at) => ({ namespace: NAMESPACE, name: `t${at}` }));
  report(`creating ${count} Transforms of ${NODES_PER_TRANSFORM} objects`);
  const watch = await watchReady(admin, names, signal);
  const ready = watch.wait();
  await Promise.all(names.map((_, at) => admin.create(TRANSFORMS, transformOf(at), {}, signal)));
  await ready;
  watch.close();
}

function transformOf(at: number): KubeObject {
  const nodes = Array.from({ length: NODES_PER_TRANSFORM }, (_, node) => {
    const name = nameOf(at * NODES_PER_TRANSFORM + node);
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: RIGHT } };
    return [name, { object }] as const;
  });
  const ref = `package drift\n\ngraph: nodes: ${JSON.stringify(Object.fromEntries(nodes))}\n`;
  return {
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    metadata: { namespace: NAMESPACE, name: `t${at}` },
    spec: { serviceAccountName: TENANT, cueRef: { type: 'inline', ref } },
  };
}

/** @returns a latency for each change, in ms; undefined where the object did not come back in time */
async function hurtAll(
  admin: OperatorClient,
  repairs: Repairs,
  targets: readonly Target[],
  report: Report,
  signal: AbortSignal,
): Promise<readonly (number | undefined)[]> {
  const latenciesMs: (number | undefined)[] = [];
  const work = async (mine: readonly Target[]): Promise<void> => {
    for (const target of mine) {
      latenciesMs.push(await hurt(admin, repairs, target, latenciesMs.length, report, signal));
      if (latenciesMs.length % 1_000 === 0) report(`${latenciesMs.length} changes`);
    }
  };
  // An object is hurt by one hand only, so that each change is over before the next one to it.
  const hands = Map.groupBy(targets, ({ object }) => object % IN_FLIGHT);
  await Promise.all([...hands.values()].map(work));
  return latenciesMs;
}

async function hurt(
  admin: OperatorClient,
  repairs: Repairs,
  { object, isDeleted }: Target,
  at: number,
  report: Report,
  signal: AbortSignal,
): Promise<number | undefined> {
  const name = nameOf(object);
  const key = { namespace: NAMESPACE, name };
  const back = repairs.repaired(NAMESPACE, name);
  const options = { fieldManager: 'someone' };
  if (isDeleted) await admin.delete(CONFIG_MAPS, key, { propagationPolicy: 'Background' }, signal);
  else await admin.mergePatch(CONFIG_MAPS, key, { data: { value: `edit ${at}` } }, options, signal);
  const answeredAtMs = performance.now();
  const limit = delay(REPAIR_LIMIT_MS, undefined, { signal, ref: false });
  const backAtMs = await Promise.race([back, limit]);
  if (backAtMs !== undefined) return Math.max(0, backAtMs - answeredAtMs);
  const left = await admin.listAll(CONFIG_MAPS, { namespace: NAMESPACE }, signal);
  const found = left.find(({ metadata }) => metadata.name === name);
  report(
    `missed: ${name} ${isDeleted ? 'deleted' : 'edited'} (change ${at}): ${JSON.stringify(found ?? null)}`,
  );
  return undefined;
}

function share(sorted: readonly number[], part: number): number {
  const at = Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1);
  return rounded(sorted[Math.max(0, at)] ?? 0, 1);
}

/** How many repairs took up to so many ms. */
function histogram(latenciesMs: readonly number[]): Readonly<Record<string, number>> {
  const bounds = [5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, Number.POSITIVE_INFINITY];
  const counts = bounds.map((bound, at) => {
    const from = bounds[at - 1] ?? 0;
    return [
      `<=${bound}`,
      latenciesMs.filter((latencyMs) => latencyMs > from && latencyMs <= bound).length,
    ] as const;
  });
  return Object.fromEntries(counts);
}
