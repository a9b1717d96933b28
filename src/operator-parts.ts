// Every part of the operator, made and joined, in the order in which they start.
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
import { InformerSet, type OperatorClient, type Reachability, RestMapper } from './kube/index.ts';
import type { Logger, Metrics, QueueLevel } from './observability/index.ts';
import { catchUp } from './operator-catch-up.ts';
import { OperatorFacts } from './operator-facts.ts';
import type { OperatorHealth } from './operator-health.ts';
import type { Sharing } from './operator-leases.ts';
import type { OperatorOptions } from './operator-options.ts';
import { networkPlaces, openCache } from './operator-places.ts';
import { operatorWatches, watchParts } from './operator-watches.ts';
import { NetworkAsker, Probes } from './probes/index.ts';
import {
  type createEvaluatorPool,
  DEFAULT_RENDER_LIMITS,
  EvaluatorPulse,
  type ModuleRenderer,
  Renderer,
} from './render/index.ts';
import { RevisionStore } from './revisions/index.ts';
import {
  type ControllerStats,
  type Manager,
  type Priority,
  type Runnable,
  systemClock,
} from './runtime/index.ts';
import { loadEmbeddedLibrary, ModuleSources } from './source/index.ts';
import { Tenancy } from './tenancy/index.ts';

type EvaluatorPool = Awaited<ReturnType<typeof createEvaluatorPool>>;

/** What all parts share. */
export interface Ground {
  readonly client: OperatorClient;
  readonly reachability: Reachability;
  readonly pool: EvaluatorPool;
  readonly metrics: Metrics;
  readonly manager: Manager;
  readonly sharing: Sharing | undefined;
  readonly health: OperatorHealth;
}

/** @throws where the CUE folder or the cache's can't be used */
export async function buildParts(
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
  const running = (controller: string) => ({
    log,
    onTake: (priority: Priority, waitedMs: number) => metrics.queues.taken(controller, priority, waitedMs),
    gate: reachability,
    ...(shared === undefined ? {} : { ownership: shared.ownership }),
    concurrency: options.maxConcurrentReconciles,
    reconcileTimeoutMs: options.reconcileTimeoutMs,
    ...(options.onReconcile === undefined ? {} : { onReconcile: options.onReconcile }),
  });
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
    running('resourcegraph'),
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
    ...running('transform'),
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

/** A part that needs no start. */
export function closing(name: string, close: () => Promise<void>): Runnable {
  return { name, start: async () => undefined, stop: close };
}
