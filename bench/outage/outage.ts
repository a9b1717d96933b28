// What becomes of an operator whose API server goes away for a while: whether it ends, how soon after the return everything
// is as it was asked for, and what it asks of a server that has just come up. The server crashes and its etcd stays, or the
// network between the two is cut and the world goes on without the operator. What was changed in the last moment before,
// meanwhile, and in the first moment after has to be carried out, too.
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { API_VERSION, type NamespacedName, TRANSFORM_KIND } from '../../src/api/index.ts';
import { isJsonArray, isJsonObject } from '../../src/json/index.ts';
import {
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  isNotFound,
  type OperatorClient,
  TRANSFORMS,
} from '../../src/kube/index.ts';
import type { AuditEntry, AuditMark } from '../../test/control-plane/index.ts';
import { OPERATOR_IDENTITY, OPERATOR_USER } from '../../test/control-plane/index.ts';
import { Relay } from '../../test/faults/relay.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces, TENANT } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { isReady } from '../support/ready.ts';

/** What goes away: the API server, or the way to it. */
export type OutageKind = 'network' | 'server';

export interface OutageOptions {
  readonly kinds: readonly OutageKind[];
  /** One outage each. */
  readonly seconds: readonly number[];
  /** Transforms that are settled before the first. */
  readonly settled: number;
}

export interface OneOutage {
  readonly kind: OutageKind;
  readonly seconds: number;
  /** From the server's return until everything is as it was asked for. */
  readonly convergedMs: number;
  /** The most lists of one kind, WatchLists included. */
  readonly listsPerKind: number;
  /** Calls without an answer and looks while it was away are not in here; what the server answered is. */
  readonly calls: number;
}

export interface OutageFigures {
  readonly outages: readonly OneOutage[];
  /** Operators that ended. */
  readonly exits: number;
}

const NAMESPACE = 'outage';
const POLL_MS = 20;
/** What the audit log says of a watch that has been opened. */
const BEGUN = 'ResponseStarted';
/** Long enough for all calls that a return brings about. */
const QUIET_MS = 3_000;
const MODULE = `package app
input: value: string
context: {name: string, ...}
graph: nodes: config: object: {
	apiVersion: "v1"
	kind:       "ConfigMap"
	metadata: name: context.name
	data: value: input.value
}
`;

interface Stage extends BenchCluster {
  readonly relay: Relay;
  readonly operator: BenchOperator;
  /** What every ConfigMap has to say in the end. */
  readonly wanted: Map<string, string>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export async function measureOutages(
  options: OutageOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<OutageFigures>> {
  return await withCluster({ hasAudit: true }, report, signal, async (cluster) => {
    await createNamespaces(cluster.admin, [NAMESPACE], signal);
    await using relay = await Relay.start(cluster.controlPlane.url);
    const kubeconfig = await throughRelay(
      await cluster.controlPlane.kubeconfigFor(OPERATOR_IDENTITY, signal),
      relay,
    );
    const flags = ['--kubeconfig', kubeconfig];
    const operator = await BenchOperator.start(cluster.controlPlane, { logLevel: 'info', flags }, signal);
    const stage = { ...cluster, relay, operator, wanted: new Map<string, string>(), report, signal };
    const { pid } = operator;
    try {
      report(`settling ${options.settled} Transforms`);
      for (let n = 0; n < options.settled; n += 1) await create(stage, `settled-${n}`);
      await untilAsWanted(stage);
      const outages: OneOutage[] = [];
      for (const kind of options.kinds) {
        for (const seconds of options.seconds) outages.push(await outage(stage, kind, seconds));
      }
      const exits = operator.pid === pid && operator.isRunning ? 0 : 1;
      return { figures: { outages, exits }, details: { options, log: warnings(operator.log) } };
    } finally {
      await operator.stop();
    }
  });
}

async function outage(stage: Stage, kind: OutageKind, seconds: number): Promise<OneOutage> {
  const { controlPlane, relay, report, signal, operator } = stage;
  const round = `${kind}-${seconds}`;
  const audit = await controlPlane.openAuditLog();
  let mark: AuditMark;
  try {
    mark = await audit.mark(signal);
  } finally {
    await audit.close();
  }
  report(`${kind} away for ${seconds} s`);
  await create(stage, `before-${round}`);
  await edit(stage, 'settled-0', `edited before ${round}`);
  if (kind === 'server') await controlPlane.stopApiServer('at-once');
  else relay.cut();
  if (kind === 'network') {
    await create(stage, `during-${round}`);
    await edit(stage, 'settled-1', `edited during ${round}`);
    await stage.admin.delete(
      CONFIG_MAPS,
      { namespace: NAMESPACE, name: 'settled-2' },
      { propagationPolicy: 'Background' },
      signal,
    );
  }
  await operator.orEnd(delay(seconds * 1_000, undefined, { signal }));
  if (kind === 'server') await controlPlane.startApiServer(signal);
  else relay.mend();
  const backAtMs = performance.now();
  await create(stage, `after-${round}`);
  await operator.orEnd(untilAsWanted(stage));
  const convergedMs = Math.round(performance.now() - backAtMs);
  await delay(QUIET_MS, undefined, { signal });
  const calls = await operatorCalls(stage, mark);
  const result = { kind, seconds, convergedMs, listsPerKind: mostLists(calls), calls: calls.length };
  report(JSON.stringify(result));
  return result;
}

async function create(stage: Stage, name: string): Promise<void> {
  stage.wanted.set(name, 'first');
  const spec = {
    cueRef: { type: 'inline', ref: MODULE },
    input: { value: 'first' },
    serviceAccountName: TENANT,
  };
  const metadata = { namespace: NAMESPACE, name };
  await stage.admin.create(
    TRANSFORMS,
    { apiVersion: API_VERSION, kind: TRANSFORM_KIND, metadata, spec },
    {},
    stage.signal,
  );
}

async function edit(stage: Stage, name: string, value: string): Promise<void> {
  stage.wanted.set(name, value);
  const key = { namespace: NAMESPACE, name };
  await stage.admin.mergePatch(TRANSFORMS, key, { spec: { input: { value } } }, {}, stage.signal);
}

/** Resolves when every Transform is Ready at its generation, and its object says what it should. */
async function untilAsWanted({ admin, wanted, signal }: Stage): Promise<void> {
  const missing = new Set(wanted.keys());
  while (missing.size > 0) {
    for (const name of missing) {
      if (await isAsWanted(admin, { namespace: NAMESPACE, name }, wanted.get(name), signal)) {
        missing.delete(name);
      }
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

async function isAsWanted(
  admin: OperatorClient,
  key: NamespacedName,
  value: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { data } = await admin.get(CONFIG_MAPS, key, signal);
    if (!isJsonObject(data) || data['value'] !== value) return false;
    return isReady(await admin.get(TRANSFORMS, key, signal));
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** What the server answered the operator since the mark, each call once. */
async function operatorCalls(
  { controlPlane, signal }: Stage,
  mark: AuditMark,
): Promise<readonly AuditEntry[]> {
  const audit = await controlPlane.openAuditLog();
  try {
    const entries = await audit.since(mark, signal);
    const ours = entries.filter(({ user, code }) => user === OPERATOR_USER && code === 200);
    // Of a watch, how it began.
    return [...new Map(ours.toReversed().map((entry) => [entry.auditId, entry])).values()];
  } finally {
    await audit.close();
  }
}

function mostLists(calls: readonly AuditEntry[]): number {
  const lists = new Map<string, number>();
  for (const { verb, stage, requestURI, apiGroup = '', resource = '' } of calls) {
    // The end of a watch is in the log as well, under the address that it began with.
    const isList = verb === 'list' || (stage === BEGUN && requestURI.includes('sendInitialEvents=true'));
    // The revisions of one Transform are read when its graph is replaced: that is work, and no list of a kind.
    if (!isList || resource === CONTROLLER_REVISIONS.plural) continue;
    // The operator's own watch of a kind and that of graphs' objects of the same kind are two selections.
    const kind = `${resource}.${apiGroup} ${/labelSelector=[^&]*/.exec(requestURI)?.[0] ?? ''}`;
    lists.set(kind, (lists.get(kind) ?? 0) + 1);
  }
  return Math.max(0, ...lists.values());
}

function warnings(log: string): readonly string[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"level":"warn"') || line.includes('"level":"error"'));
}

async function throughRelay(kubeconfig: string, relay: Relay): Promise<string> {
  const config: unknown = parse(await readFile(kubeconfig, 'utf8'));
  const clusters = isJsonObject(config) ? config['clusters'] : undefined;
  const first = isJsonArray(clusters) ? clusters[0] : undefined;
  if (!isJsonObject(config) || !isJsonObject(first) || !isJsonObject(first['cluster'])) {
    throw new Error('the kubeconfig has no cluster');
  }
  const cluster = { ...first['cluster'], server: relay.url };
  const path = `${kubeconfig}.relay`;
  await writeFile(path, stringify({ ...config, clusters: [{ ...first, cluster }] }), { mode: 0o600 });
  return path;
}
