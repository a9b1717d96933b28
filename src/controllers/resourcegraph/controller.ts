// What brings a graph to the queue: its own changes, those of its children, and what it may be executed under.
import type { KubeObject, NamespacedName } from '../../api/index.ts';
import { INVALID_OBJECT } from '../../errors.ts';
import { applySetId } from '../../graph/index.ts';
import { isJsonObject } from '../../json/index.ts';
import type { InformerEvent } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import {
  Controller,
  type ControllerOptions,
  type Gate,
  type Ownership,
  type Priority,
  type ReconcileReport,
} from '../../runtime/index.ts';
import type { GraphDependencies } from './dependencies.ts';
import { KIND_NOT_SERVED } from './kinds.ts';
import { planWaitsForKind } from './plan/index.ts';
import { GraphReconciler } from './reconcile.ts';

/**
 * A pass holds its worker only while requests are in flight, and so many passes at once have as many of them as the
 * operator may: a namespace that is alone loses nothing, and one that is late waits for no pass of another.
 */
const NAMESPACE_SHARE = 0.75;
/** How old discovery may be when the first list of CustomResourceDefinitions comes. */
const START_MS = 30_000;

export interface GraphControllerOptions {
  readonly log: Logger;
  /** Which graphs are executed here; all without it. */
  readonly ownership?: Ownership;
  /** While it is closed no pass begins. */
  readonly gate?: Gate;
  /** Graphs at a time. */
  readonly concurrency: number;
  readonly reconcileTimeoutMs: number;
  readonly onReconcile?: (report: ReconcileReport) => void;
  readonly onTake?: ControllerOptions['onTake'];
}

/** The ResourceGraph controller. The informers are started by the caller, after this is made. */
export function createGraphController(deps: GraphDependencies, options: GraphControllerOptions): Controller {
  const reconciler = new GraphReconciler(deps);
  const keyOfGraph = new Map<string, NamespacedName>();
  const { ownership } = options;
  const controller = new Controller({
    name: 'resourcegraph',
    concurrency: options.concurrency,
    namespaceShare: NAMESPACE_SHARE,
    reconcileTimeoutMs: options.reconcileTimeoutMs,
    log: options.log,
    random: deps.random,
    reconcile: (key, context) => reconciler.reconcile(key, context),
    ...(ownership === undefined
      ? {}
      : {
          ownership: {
            of: ownership,
            knownKeys: () => keyOfGraph.values(),
            forget: (isLeaving) => reconciler.forgetAll(isLeaving),
          },
        }),
    gate: options.gate,
    ...(options.onReconcile === undefined ? {} : { onReconcile: options.onReconcile }),
    ...(options.onTake === undefined ? {} : { onTake: options.onTake }),
  });
  deps.graphs.onChange((event) => {
    const key = namespacedKey(event);
    const graphId = applySetId(key);
    if (event.type === 'deleted') keyOfGraph.delete(graphId);
    else keyOfGraph.set(graphId, key);
    controller.enqueue(key, priorityOf(event));
  });
  deps.children.onChange((graphId, _identity, isFromList) => {
    const key = keyOfGraph.get(graphId);
    if (key !== undefined) controller.enqueue(key, priorityOf({ isFromList }));
  });
  deps.probes.onChange((key) => controller.enqueue(key));
  deps.mirrors.onChange((key) => controller.enqueue(key));
  // After an outage these are all graphs there are.
  deps.children.onWatchState((key) => controller.enqueue(key, 'low'));
  deps.transforms.onChange((event) => {
    if (concernsGraph(event)) controller.enqueue(namespacedKey(event), priorityOf(event));
  });
  deps.namespaces.onChange((event) => {
    if (event.current?.isTerminating !== true) return;
    for (const key of keyOfGraph.values()) if (key.namespace === event.key.name) controller.enqueue(key);
  });
  deps.definitions.onChange(({ key: { name: definition } }) => {
    // The first list tells what discovery knows, which is read a moment before it.
    if (!deps.definitions.hasSynced && deps.mapper.isFresh('', START_MS)) return;
    deps.mapper.invalidate();
    for (const graph of deps.graphs.values()) {
      const key = { namespace: graph.metadata.namespace ?? '', name: graph.metadata.name };
      const isRefused = hasNodeWith(graph, INVALID_OBJECT);
      if (isRefused) deps.sessions.at(key)?.schemas.changed(definition);
      if (isRefused || hasNodeWith(graph, KIND_NOT_SERVED) || planWaitsForKind(graph))
        controller.enqueue(key);
    }
  });
  return controller;
}

/** Some node has this reason. */
function hasNodeWith(graph: KubeObject, reason: string): boolean {
  const status = graph['status'];
  const nodes = isJsonObject(status) ? status['nodeStatus'] : undefined;
  if (!isJsonObject(nodes)) return false;
  return Object.values(nodes).some((node) => isJsonObject(node) && node['reason'] === reason);
}

/** Statuses of Transforms change with every step of their graph and say nothing that it does not know. */
function concernsGraph({ current, previous }: InformerEvent<KubeObject>): boolean {
  if (current === undefined || previous === undefined) return true;
  const [now, before] = [current.metadata, previous.metadata];
  return (
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    now.uid !== before.uid
  );
}

/** What a list shows has been there for a while, and most of it is settled. */
function priorityOf({ isFromList }: { readonly isFromList: boolean }): Priority {
  return isFromList ? 'low' : 'high';
}

function namespacedKey(event: InformerEvent<KubeObject>): NamespacedName {
  return { namespace: event.key.namespace ?? '', name: event.key.name };
}
