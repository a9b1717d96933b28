// The Transform controller: which changes lead to which passes. Handlers only note down keys.
import type { KubeObject, NamespacedName } from '../../api/index.ts';
import { isJsonObject } from '../../json/index.ts';
import type { ObjectKey } from '../../kube/index.ts';
import { Controller, type ControllerStats, type Priority, type Runnable } from '../../runtime/index.ts';
import { DEFAULT_GRAPH_WRITE_LIMITS, type TransformControllerDependencies } from './dependencies.ts';
import { inputConfigMaps } from './input.ts';
import { TransformReconciler } from './reconcile.ts';

const DEFAULT_CONCURRENCY = 16;
/** A reconcile waits for evaluators, and these may take their time with what a tenant wrote. */
const NAMESPACE_SHARE = 0.5;

/** Keeps a ResourceGraph for each Transform. */
export interface TransformController extends Runnable {
  /** Looks at every Transform again, for example when the API server's version has changed. */
  enqueueAll(): void;
  /** True while nothing is being worked on or ready to be. */
  isIdle(): boolean;
  stats(): ControllerStats;
  /** What only a restart heals, in words. */
  deadlock(): string | undefined;
}

/**
 * The controller. Its start waits for the first lists of the informers, which others start and stop, and then looks at
 * every Transform once.
 */
export function createTransformController(deps: TransformControllerDependencies): TransformController {
  const { log, ownership, random, reconcileTimeoutMs, onReconcile, onTake, transforms } = deps;
  const reconciler = new TransformReconciler({ ...deps, limits: deps.limits ?? DEFAULT_GRAPH_WRITE_LIMITS });
  const controller = new Controller({
    name: 'transform',
    concurrency: deps.concurrency ?? DEFAULT_CONCURRENCY,
    namespaceShare: NAMESPACE_SHARE,
    reconcile: (key, context) => reconciler.reconcile(key, context),
    log,
    random,
    gate: deps.gate,
    ...(ownership === undefined
      ? {}
      : {
          ownership: {
            of: ownership,
            knownKeys: () => transforms.values().flatMap(({ metadata }) => keyOf(metadata) ?? []),
            forget: (isLeaving) => reconciler.forgetAll(isLeaving),
          },
        }),
    ...(reconcileTimeoutMs === undefined ? {} : { reconcileTimeoutMs }),
    ...(onReconcile === undefined ? {} : { onReconcile }),
    ...(onTake === undefined ? {} : { onTake }),
  });
  const enqueue = (object: ObjectKey, priority: Priority): void => {
    const key = keyOf(object);
    if (key !== undefined) controller.enqueue(key, priority);
  };
  const enqueueAll = (): void => {
    for (const { metadata } of transforms.values()) enqueue(metadata, 'low');
  };
  const endWatches: (() => void)[] = [];
  return {
    name: 'transform-controller',
    start: async (signal) => {
      endWatches.push(...watchAll(deps, enqueue));
      const { graphs, modules, namespaces } = deps;
      await Promise.all([transforms, graphs, modules, namespaces].map((kind) => kind.waitForSync(signal)));
      enqueueAll();
      await controller.start(signal);
    },
    stop: async () => {
      for (const end of endWatches.splice(0)) end();
      await controller.stop();
    },
    health: () => controller.health(),
    enqueueAll,
    isIdle: () => controller.isIdle(),
    stats: () => controller.stats(),
    deadlock: () => controller.deadlock(),
  };
}

/** Every Transform has a namespace; types don't say so. */
function keyOf({ namespace, name }: ObjectKey): NamespacedName | undefined {
  return namespace === undefined ? undefined : { namespace, name };
}

/** @returns what ends the watches */
function watchAll(
  { transforms, graphs, modules }: TransformControllerDependencies,
  enqueue: (key: ObjectKey, priority: Priority) => void,
): readonly (() => void)[] {
  return [
    transforms.onChange((event) => {
      if (!event.isOwnEcho) enqueue(event.key, priorityOf(event));
    }),
    // A graph has its Transform's name. The graph controller's writes are echoes as well, and concern us.
    graphs.onChange((event) => enqueue(event.key, priorityOf(event))),
    modules.onChange((event) => {
      for (const transform of transforms.values()) {
        if (isFrom(transform, event.key)) enqueue(transform.metadata, priorityOf(event));
      }
    }),
  ];
}

/** What a list shows has been there for a while, and most of it is settled. */
function priorityOf({ isFromList }: { readonly isFromList: boolean }): Priority {
  return isFromList ? 'low' : 'high';
}

/** True for a Transform whose module, or a part of whose input, is in this ConfigMap. */
function isFrom(transform: KubeObject, configMap: ObjectKey): boolean {
  if (transform.metadata.namespace !== configMap.namespace) return false;
  if (inputConfigMaps(transform).includes(configMap.name)) return true;
  const spec = transform['spec'];
  const cueRef = isJsonObject(spec) ? spec['cueRef'] : undefined;
  return isJsonObject(cueRef) && cueRef['type'] === 'configmap' && cueRef['ref'] === configMap.name;
}
