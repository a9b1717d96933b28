// The composition root: makes every part, hands each what it needs, starts them in order and stops them in reverse.
import { GRAPH_LABEL, type KubeObject, MODULE_LABEL } from './api/index.ts';
import { observe } from './apply/index.ts';
import {
  Children,
  createGraphController,
  GRAPH_INDEX,
  GraphSessions,
  Mirrors,
  mirrorProjection,
  NodeInterests,
} from './controllers/resourcegraph/index.ts';
import { createTransformController, DEFAULT_GRAPH_WRITE_LIMITS } from './controllers/transform/index.ts';
import { EgressGuard } from './egress/index.ts';
import {
  type CallRecord,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  Informer,
  InformerSet,
  inClusterConfig,
  isInCluster,
  kubeconfigConfig,
  NAMESPACES,
  OperatorClient,
  RESOURCE_GRAPHS,
  RestMapper,
  TRANSFORMS,
} from './kube/index.ts';
import type { Logger } from './observability/index.ts';
import { readClusterFacts, readOwnIdentity } from './operator-facts.ts';
import { NetworkAsker, Probes } from './probes/index.ts';
import { createEvaluatorPool, DEFAULT_RENDER_LIMITS, type ModuleRenderer, Renderer } from './render/index.ts';
import { RevisionStore } from './revisions/index.ts';
import { Manager, type ReconcileReport, type Runnable, systemClock } from './runtime/index.ts';
import { loadEmbeddedLibrary, ModuleSources } from './source/index.ts';
import { Tenancy } from './tenancy/index.ts';

export interface OperatorOptions {
  readonly version: string;
  /** Folder of the CUE module that ships with the operator. */
  readonly cueDirectory: string;
  /** Environment of the process: tells whether it runs in a pod. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a kubeconfig; outside of a pod the usual places are searched without it. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** ServiceAccount of Transforms that name none. */
  readonly defaultServiceAccount: string;
  /** Transforms, and graphs, reconciled at a time. */
  readonly maxConcurrentReconciles: number;
  /** Objects in flight per graph. */
  readonly graphConcurrency: number;
  /** Most nodes of a graph. */
  readonly maxNodes: number;
  /** Requests in flight to the API server. */
  readonly apiConcurrency: number;
  readonly reconcileTimeoutMs: number;
  readonly identityGoneGraceMs: number;
  readonly renderWorkers: number;
  readonly renderDeadlineMs: number;
  readonly renderMemoryBytes: number;
  /** Hosts and ranges that may be called besides public addresses. */
  readonly egressAllow: readonly string[];
  readonly log: Logger;
  readonly onReconcile?: (report: ReconcileReport) => void;
  readonly onCall?: (call: CallRecord) => void;
  /** Called once everything runs. */
  readonly onReady?: () => void;
}

/**
 * Runs the operator until `signal` is aborted, then stops it gracefully.
 * @throws what kept a part from starting: no cluster, no rights to watch its own kinds, a broken CUE folder.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const client = await connect(options);
  const pool = await createEvaluatorPool({
    maxWorkers: options.renderWorkers,
    deadlineMs: options.renderDeadlineMs,
    maxMemoryBytes: options.renderMemoryBytes,
  });
  const manager = new Manager({ log });
  manager.add(closing('api client', () => client.close()));
  manager.add(closing('evaluator pool', () => pool.close()));
  try {
    for (const part of await buildParts(options, client, pool, signal)) manager.add(part);
    await manager.start(signal);
    log.info({ version: options.version }, 'operator is running');
    options.onReady?.();
    await untilAborted(signal);
  } finally {
    log.info('operator is stopping');
    await manager.stop();
  }
}

async function connect(options: OperatorOptions): Promise<OperatorClient> {
  const { env, kubeconfig, context } = options;
  const config =
    kubeconfig === undefined && context === undefined && isInCluster(env)
      ? await inClusterConfig({ env })
      : await kubeconfigConfig({
          env,
          ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
          ...(context === undefined ? {} : { context }),
        });
  return new OperatorClient({
    config,
    version: options.version,
    log: options.log,
    now: Date.now,
    maxInFlight: options.apiConcurrency,
    ...(options.onCall === undefined ? {} : { onCall: options.onCall }),
  });
}

type EvaluatorPool = Awaited<ReturnType<typeof createEvaluatorPool>>;

async function buildParts(
  options: OperatorOptions,
  operator: OperatorClient,
  pool: EvaluatorPool,
  signal: AbortSignal,
): Promise<readonly Runnable[]> {
  const { log } = options;
  const basics = { client: operator, log, now: Date.now, random: Math.random };
  const mapper = new RestMapper({ client: operator, now: Date.now });
  const transforms = new Informer({ ...basics, resource: TRANSFORMS, project: slim, isEqual: isSameVersion });
  const graphs = new Informer({
    ...basics,
    resource: RESOURCE_GRAPHS,
    project: slim,
    isEqual: isSameVersion,
  });
  const namespaces = new Informer({
    ...basics,
    resource: NAMESPACES,
    isMetadataOnly: true,
    project: ({ metadata }) => ({ isTerminating: metadata.deletionTimestamp !== undefined }),
    isEqual: (a, b) => a.isTerminating === b.isTerminating,
  });
  const definitions = new Informer({
    ...basics,
    resource: CUSTOM_RESOURCE_DEFINITIONS,
    isMetadataOnly: true,
    project: ({ metadata }) => metadata.resourceVersion ?? '',
    isEqual: (a, b) => a === b,
  });
  const modules = new Informer({
    ...basics,
    resource: CONFIG_MAPS,
    labelSelector: `${MODULE_LABEL} in (true,input)`,
    isMetadataOnly: true,
    project: slim,
    isEqual: isSameVersion,
  });
  const interests = new NodeInterests();
  graphs.onChange(({ key, current }) =>
    interests.update({ namespace: key.namespace ?? '', name: key.name }, current),
  );
  const childInformers = new InformerSet({
    ...basics,
    labelSelector: GRAPH_LABEL,
    project: (object: KubeObject) => observe(object, interests),
    indexes: { [GRAPH_INDEX]: ({ graphId }) => (graphId === undefined ? [] : [graphId]) },
  });
  const mirrorInformers = new InformerSet({ ...basics, project: mirrorProjection });
  const identity = await readOwnIdentity(operator, signal);
  const tenancy = new Tenancy({
    operator,
    defaultServiceAccount: options.defaultServiceAccount,
    ...(identity === undefined ? {} : { operatorIdentity: identity }),
    now: Date.now,
  });
  const cluster = await readClusterFacts(operator, mapper, signal);
  const library = await loadEmbeddedLibrary(options.cueDirectory);
  const asker = new NetworkAsker(new EgressGuard({ allow: options.egressAllow }));
  const probes = new Probes({ clock: systemClock, random: Math.random, log });
  const graphController = createGraphController(
    {
      graphs,
      transforms,
      namespaces,
      definitions,
      children: new Children(childInformers),
      interests,
      mirrors: new Mirrors(mirrorInformers),
      sessions: new GraphSessions(Date.now),
      operator,
      mapper,
      tenancy,
      probes,
      asker,
      limits: options,
      now: Date.now,
      random: Math.random,
    },
    {
      log,
      concurrency: options.maxConcurrentReconciles,
      reconcileTimeoutMs: options.reconcileTimeoutMs,
      ...(options.onReconcile === undefined ? {} : { onReconcile: options.onReconcile }),
    },
  );
  const transformController = createTransformController({
    transforms,
    graphs,
    modules,
    namespaces,
    operator,
    revisions: new RevisionStore(operator),
    tenancy,
    sources: new ModuleSources({ library }),
    renderer: loggedRenderer(
      new Renderer({
        evaluator: pool,
        evaluatorVersion: pool.version.sha256,
        library,
        limits: { ...DEFAULT_RENDER_LIMITS, deadlineMs: options.renderDeadlineMs },
      }),
      log,
    ),
    cluster: () => cluster,
    limits: { ...DEFAULT_GRAPH_WRITE_LIMITS, maxNodes: options.maxNodes },
    now: Date.now,
    random: Math.random,
    log,
    concurrency: options.maxConcurrentReconciles,
    reconcileTimeoutMs: options.reconcileTimeoutMs,
    ...(options.onReconcile === undefined ? {} : { onReconcile: options.onReconcile }),
  });
  return [
    closing('child watches', () => childInformers.stop()),
    closing('probes', async () => {
      probes.stop();
      await asker.close();
    }),
    closing('mirror watches', () => mirrorInformers.stop()),
    watching('namespaces', namespaces),
    watching('kinds', definitions),
    watching('transforms', transforms),
    watching('resource graphs', graphs),
    watching('modules', modules),
    graphController,
    transformController,
  ];
}

/** Says of each render that it was made: a settled operator makes none. */
function loggedRenderer(renderer: ModuleRenderer, log: Logger): ModuleRenderer {
  return {
    policiesDigest: renderer.policiesDigest,
    evaluatorVersion: renderer.evaluatorVersion,
    render: async (request, signal) => {
      const startedAtMs = performance.now();
      const result = await renderer.render(request, signal);
      const durationMs = Math.round(performance.now() - startedAtMs);
      log.debug({ digest: request.module.digest, isGood: result.ok, durationMs }, 'module rendered');
      return result;
    },
  };
}

/** An object without the field ownership that only the API server needs. */
function slim(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function isSameVersion(left: KubeObject, right: KubeObject): boolean {
  return (
    left.metadata.uid === right.metadata.uid &&
    left.metadata.resourceVersion === right.metadata.resourceVersion
  );
}

function closing(name: string, close: () => Promise<void>): Runnable {
  return { name, start: async () => undefined, stop: close };
}

/** Ready when the first list is in; then it goes on by itself, whatever happens to its stream. */
function watching<T>(name: string, informer: Informer<T>): Runnable {
  return {
    name: `watch of ${name}`,
    start: async (signal) => {
      informer.start();
      await informer.waitForSync(signal);
    },
    stop: () => informer.stop(),
    health: () =>
      informer.state === 'Live' ? undefined : `${informer.state}: ${informer.lastError?.message ?? ''}`,
  };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
