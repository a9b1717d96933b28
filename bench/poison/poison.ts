// Transforms that no schema lets through, among many good ones: written while their CRD has no schema, as an older or a
// later version of it might have left them behind. The good ones have to converge, with the bad ones watched live and with
// the bad ones in the first list of a new process; no process may end and no watch may stop.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { API_VERSION, TRANSFORM_KIND } from '../../src/api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/json/index.ts';
import { TRANSFORMS } from '../../src/kube/index.ts';
import { type BenchCluster, IN_FLIGHT, withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces, TENANT } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';

export interface PoisonOptions {
  /** Good Transforms. */
  readonly good: number;
}

export interface PoisonFigures {
  readonly good: number;
  readonly malformed: number;
  /** Good ones that converged. */
  readonly converged: number;
  /** Processes that ended by themselves. */
  readonly exits: number;
  /** Watches that broke or stopped while it worked, as the log says, and what failed without being foreseen. */
  readonly failures: number;
}

const CRD = new URL('../../crds/platform.pequod.io_transforms.yaml', import.meta.url);
const NAMESPACE = 'poison';
const POLL_MS = 200;
const ROUND_TIMEOUT_MS = 900_000;
const ANYTHING = { 'x-kubernetes-preserve-unknown-fields': true };
const MODULE = `package app
context: {name: string, ...}
graph: nodes: config: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: context.name}
`;
const GOOD = { cueRef: { type: 'inline', ref: MODULE }, serviceAccountName: TENANT };

/** What each of them carries besides what is good. */
const MALFORMED: { readonly [name: string]: JsonObject } = {
  'bad-duration': { spec: { ...GOOD, interval: 'yesterday', ttl: -1, progressDeadline: { in: '5m' } } },
  'null-fields': { spec: { cueRef: null, input: null, serviceAccountName: null, suspend: null } },
  'null-spec': { spec: null, status: null },
  'old-version': {
    spec: { source: { inline: MODULE }, template: [1, 'two'] },
    status: { phase: 'Completed', conditions: 'x', nodes: 3, observedGeneration: 'one' },
  },
};
/** Annotations that mean something to the operator, with values that don't. */
const ANNOTATIONS = {
  'pequod.io/reconcile': '{"__proto__":',
  'pequod.io/approve': '\u0001',
  'pequod.io/prune-grace-period': 'soon',
};

export async function measurePoison(
  { good }: PoisonOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<PoisonFigures>> {
  return await withCluster({ hasAudit: false }, report, signal, async (cluster) => {
    await createNamespaces(cluster.admin, [NAMESPACE], signal);
    const options = { logLevel: 'debug', flags: [] } as const;
    const working: string[] = [];
    let exits = 0;
    let converged = 0;
    for (const round of ['live', 'listed']) {
      const operator = await BenchOperator.start(cluster.controlPlane, options, signal);
      // Before, it may have been told to come again for a kind that has just been made.
      const { length: before } = operator.log;
      try {
        if (round === 'live') await poison(cluster, signal);
        const names = Array.from({ length: good / 2 }, (_, n) => `${round}-${n}`);
        report(`${names.length} good Transforms among ${Object.keys(MALFORMED).length} bad ones, ${round}`);
        if (await isConverged(cluster, names, operator, signal)) converged += names.length;
        else exits += 1;
        working.push(...operator.log.slice(before).split('\n'));
      } finally {
        await operator.stop();
      }
    }
    const failed = working.filter(isFailure);
    for (const line of failed) report(line);
    const malformed = Object.keys(MALFORMED).length;
    const figures = { good, malformed, converged, exits, failures: failed.length };
    const reasons = await readyReasons(cluster, signal);
    const warnings = working.filter((line) => NOTABLE.test(line)).slice(0, WARNINGS_KEPT);
    return { figures, details: { malformed: MALFORMED, annotations: ANNOTATIONS, reasons, warnings } };
  });
}

const WARNINGS_KEPT = 50;
const NOTABLE = /"level":"(?:warn|error|fatal)"/;
const UNFORESEEN = /"level":"fatal"|failed unexpectedly|informer failed|handler failed/;
const BROKEN = /"state":"(?:Retrying|Stopped|NotServed|Forbidden)"/;
/**
 * Where a CRD is replaced, the API server ends the watches of the old one, and tells the first that come to the new one
 * to come again. An end that the server made has no reason; an object that can't be taken in would be one.
 */
const REPLACED = /"state":"Retrying","msg"|storage is \(re\)initializing/;

function isFailure(line: string): boolean {
  return UNFORESEEN.test(line) || (BROKEN.test(line) && !REPLACED.test(line));
}

/** What each malformed one says of itself, by its name; null where nothing could be said. */
async function readyReasons({ admin }: BenchCluster, signal: AbortSignal): Promise<JsonObject> {
  const reasons: Record<string, JsonValue> = {};
  for (const name of Object.keys(MALFORMED)) {
    const { status } = await admin.get(TRANSFORMS, { namespace: NAMESPACE, name }, signal);
    const conditions = isJsonObject(status) ? status['conditions'] : undefined;
    const ready = isJsonArray(conditions)
      ? conditions.find((it) => isJsonObject(it) && it['type'] === 'Ready')
      : undefined;
    reasons[name] = (isJsonObject(ready) ? ready['reason'] : undefined) ?? null;
  }
  return reasons;
}

/** Creates them and waits. @returns false where the operator ended. @throws what else went wrong */
async function isConverged(
  cluster: BenchCluster,
  names: readonly string[],
  operator: BenchOperator,
  signal: AbortSignal,
): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ROUND_TIMEOUT_MS)]);
  try {
    await operator.orEnd(converge(cluster, names, limit));
    return operator.isRunning;
  } catch (error) {
    if (operator.isRunning) throw error;
    return false;
  }
}

async function converge(
  { admin }: BenchCluster,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const ready = await watchReady(
    admin,
    names.map((name) => ({ namespace: NAMESPACE, name })),
    signal,
  );
  try {
    const left = [...names];
    const create = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const metadata = { namespace: NAMESPACE, name };
        const object = { apiVersion: API_VERSION, kind: TRANSFORM_KIND, metadata, spec: GOOD };
        await admin.create(TRANSFORMS, object, {}, signal);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, create));
    await ready.wait();
  } finally {
    ready.close();
  }
}

/** Writes the malformed ones past the schema, and puts the schema back. */
async function poison({ controlPlane: { kubectl } }: BenchCluster, signal: AbortSignal): Promise<void> {
  const crd = await readFile(CRD, 'utf8');
  const items = Object.entries(MALFORMED).map(([name, body]) => ({
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    metadata: { namespace: NAMESPACE, name, annotations: ANNOTATIONS },
    ...body,
  }));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const probe = JSON.stringify({
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    metadata: { namespace: NAMESPACE, name: 'probe' },
    spec: 42,
  });
  const takesAnything = async (): Promise<boolean> =>
    await kubectl(['create', '--dry-run=server', '--validate=false', '-f', '-'], probe).then(
      () => true,
      () => false,
    );
  await kubectl(['replace', '-f', '-'], schemaless(crd));
  while (!(await takesAnything())) await delay(POLL_MS, undefined, { signal });
  await kubectl(['create', '--validate=false', '-f', '-'], list);
  await kubectl(['replace', '-f', '-'], crd);
  while (await takesAnything()) await delay(POLL_MS, undefined, { signal });
}

/** The CRD without a schema and without a status of its own. */
function schemaless(text: string): string {
  const crd: unknown = parse(text);
  const spec = isJsonObject(crd) ? crd['spec'] : undefined;
  if (!isJsonObject(crd) || !isJsonObject(spec)) throw new Error('the CRD is no object');
  const versions = spec['versions'];
  const open = (isJsonArray(versions) ? versions : []).map((version): JsonValue => {
    if (!isJsonObject(version)) return version;
    const {
      subresources: _,
      selectableFields: _fields,
      additionalPrinterColumns: _columns,
      ...rest
    } = version;
    const properties = { spec: ANYTHING, status: ANYTHING };
    return { ...rest, schema: { openAPIV3Schema: { type: 'object', ...ANYTHING, properties } } };
  });
  return stringify({ ...crd, spec: { ...spec, versions: open } });
}
