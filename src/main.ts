// The composition root: makes every part, hands each what it needs, starts them in order and stops them in reverse.
import { GRAPH_LABEL, type KubeObject } from './api/index.ts';
import { observe } from './apply/index.ts';
import {
  Children,
  createGraphController,
  GRAPH_INDEX,
  GraphSessions,
  Mirrors,
  mirrorProjection,
  NodeInterests,
  WarmKinds,
} from './controllers/resourcegraph/index.ts';
import { createTransformController, DEFAULT_GRAPH_WRITE_LIMITS } from './controllers/transform/index.ts';
import { EgressGuard } from './egress/index.ts';
import {
  type CallRecord,
  type ClusterConfig,
  InformerSet,
  inClusterConfig,
  isInCluster,
  kubeconfigConfig,
  OperatorClient,
  Reachability,
  RestMapper,
} from './kube/index.ts';
import { type Logger, Metrics, type QueueLevel } from './observability/index.ts';
import { catchUp } from './operator-catch-up.ts';
import { OperatorFacts } from './operator-facts.ts';
import { OperatorHealth } from './operator-health.ts';
import { Sharing, type SharingOptions } from './operator-leases.ts';
import { networkPlaces, openCache, type PlacesOptions } from './operator-places.ts';
import { operatorWatches, watchParts } from './operator-watches.ts';
import { NetworkAsker, Probes } from './probes/index.ts';
import {
  createEvaluatorPool,
  DEFAULT_RENDER_LIMITS,
  EvaluatorPulse,
  type ModuleRenderer,
  Renderer,
} from './render/index.ts';
import { RevisionStore } from './revisions/index.ts';
import {
  type ControllerStats,
  Manager,
  type ReconcileReport,
  type Runnable,
  systemClock,
} from './runtime/index.ts';
import { HealthServer, type ListenAddress, MetricsServer } from './server/index.ts';
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
  /** The only namespace whose Transforms are looked after; all without it. */
  readonly watchNamespace?: string | undefined;
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
  /** Shortest life that is asked of a watch. */
  readonly watchTimeoutMs: number;
  readonly identityGoneGraceMs: number;
  readonly renderWorkers: number;
  readonly renderDeadlineMs: number;
  readonly renderMemoryBytes: number;
  /** Hosts and ranges that may be called besides public addresses. */
  readonly egressAllow: readonly string[];
  /** Where modules come from over a network. */
  readonly places: PlacesOptions;
  /** How several replicas share the work; without it this process is the only one. */
  readonly sharing?: SharingOptions | undefined;
  /** Where metrics are served; nowhere without it. */
  readonly metricsAddress?: ListenAddress | undefined;
  /** Where health is served; nowhere without it. */
  readonly healthAddress?: ListenAddress | undefined;
  readonly log: Logger;
  readonly onReconcile?: (report: ReconcileReport) => void;
  readonly onCall?: (call: CallRecord) => void;
  /** Called once everything runs. */
  readonly onReady?: () => void;
}

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

async function clusterConfig({ env, kubeconfig, context }: OperatorOptions): Promise<ClusterConfig> {
  return kubeconfig === undefined && context === undefined && isInCluster(env)
    ? await inClusterConfig({ env })
    : await kubeconfigConfig({
        env,
        ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
        ...(context === undefined ? {} : { context }),
      });
}

function connect(
  options: OperatorOptions,
  config: ClusterConfig,
  { metrics, reachability, sharing }: Pick<Ground, 'metrics' | 'reachability' | 'sharing'>,
): OperatorClient {
  return new OperatorClient({
    config,
    version: options.version,
    log: options.log,
    now: Date.now,
    maxInFlight: options.apiConcurrency,
    mayWrite: sharing?.fence.mayWrite,
    onThrottled: ({ by, who }) => metrics.api.throttled(by, who),
    onUnanswered: () => reachability.unanswered(),
    ...(options.onCall === undefined ? {} : { onCall: options.onCall }),
  });
}

type EvaluatorPool = Awaited<ReturnType<typeof createEvaluatorPool>>;

/** What all parts share. */
interface Ground {
  readonly client: OperatorClient;
  readonly reachability: Reachability;
  readonly pool: EvaluatorPool;
  readonly metrics: Metrics;
  readonly manager: Manager;
  readonly sharing: Sharing | undefined;
  readonly health: OperatorHealth;
}

async function buildParts(
  options: OperatorOptions,
  { client: operator, reachability, pool, metrics, manager, sharing, health }: Ground,
): Promise<readonly Runnable[]> {
  const { log } = options;
  const basics = { client: operator, log, now: Date.now, random: Math.random, reachability };
  const mapper = new RestMapper({ client: operator, now: Date.now });
  const timing = { minTimeoutSeconds: Math.ceil(options.watchTimeoutMs / 1000) };
  const watched = { ...basics, timing, namespace: options.watchNamespace };
  const watches = operatorWatches(watched);
  const { transforms, graphs, namespaces, definitions, modules } = watches;
  const interests = new NodeInterests();
  graphs.onChange(({ key, current }) =>
    interests.update({ namespace: key.namespace ?? '', name: key.name }, current),
  );
  const childInformers = new InformerSet({
    ...watched,
    labelSelector: GRAPH_LABEL,
    project: (object: KubeObject) => observe(object, interests),
    indexes: { [GRAPH_INDEX]: ({ graphId }) => (graphId === undefined ? [] : [graphId]) },
  });
  const shared = sharing?.share(operator, (isGained, signal) =>
    catchUp({ ...watches, children: childInformers, log }, isGained, signal),
  );
  const warm =
    shared === undefined ? [] : [new WarmKinds({ graphs, informers: childInformers, mapper, log })];
  const ownership = shared === undefined ? {} : { ownership: shared.ownership };
  const mirrorInformers = new InformerSet({ ...watched, project: mirrorProjection });
  const facts = new OperatorFacts({ operator, mapper, reachability, log, random: Math.random });
  const tenancy = new Tenancy({
    operator,
    defaultServiceAccount: options.defaultServiceAccount,
    operatorIdentity: () => facts.identity,
    now: Date.now,
  });
  const library = await loadEmbeddedLibrary(options.cueDirectory);
  const cache = await openCache(options.places, log, metrics);
  const places = networkPlaces(options.places, options.egressAllow, cache, metrics);
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
      onTake: (priority, waitedMs) => metrics.queues.taken('resourcegraph', priority, waitedMs),
      gate: reachability,
      ...ownership,
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
    sources: new ModuleSources({ library, places }),
    renderer: loggedRenderer(
      new Renderer({
        evaluator: pool,
        evaluatorVersion: pool.version.sha256,
        library,
        limits: { ...DEFAULT_RENDER_LIMITS, deadlineMs: options.renderDeadlineMs },
      }),
      log,
    ),
    cluster: () => facts.cluster,
    limits: { ...DEFAULT_GRAPH_WRITE_LIMITS, maxNodes: options.maxNodes },
    now: Date.now,
    random: Math.random,
    log,
    onTake: (priority, waitedMs) => metrics.queues.taken('transform', priority, waitedMs),
    gate: reachability,
    ...ownership,
    concurrency: options.maxConcurrentReconciles,
    reconcileTimeoutMs: options.reconcileTimeoutMs,
    ...(options.onReconcile === undefined ? {} : { onReconcile: options.onReconcile }),
  });
  metrics.queues.watch(() => [
    queueLevel('resourcegraph', graphController.stats()),
    queueLevel('transform', transformController.stats()),
  ]);
  facts.onClusterChange(() => transformController.enqueueAll());
  health.watch({
    manager,
    controllers: [graphController, transformController],
    reachability,
    watches: Object.values(watches),
    evaluator: new EvaluatorPulse(pool, () => performance.now()),
    cache,
    now: Date.now,
  });
  return [
    closing('cache', () => cache.close()),
    closing('sources', () => places.close()),
    closing('child watches', () => childInformers.stop()),
    closing('probes', async () => {
      probes.stop();
      await asker.close();
    }),
    closing('mirror watches', () => mirrorInformers.stop()),
    facts,
    ...(shared?.parts ?? []),
    ...warm,
    ...watchParts(watches),
    graphController,
    transformController,
  ];
}

function queueLevel(controller: string, stats: ControllerStats): QueueLevel {
  const { waiting, waitingLow: low, processing, aside, delayed } = stats;
  return { controller, keys: { high: waiting - low, low, working: processing - aside, aside, delayed } };
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

function closing(name: string, close: () => Promise<void>): Runnable {
  return { name, start: async () => undefined, stop: close };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
