// The operator's own watches: its two kinds, and what decides about them. Those of children are made as graphs need them.
import { type KubeObject, MODULE_LABEL } from './api/index.ts';
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  Informer,
  type InformerOptions,
  NAMESPACES,
  RESOURCE_GRAPHS,
  TRANSFORMS,
} from './kube/index.ts';
import type { Runnable } from './runtime/index.ts';

/** What every watch is made with. */
type Basics = Pick<
  InformerOptions<unknown>,
  'client' | 'log' | 'now' | 'random' | 'namespace' | 'reachability' | 'timing'
>;

/** Nothing works without these, so that rights or kinds that come late are noticed soon. */
const TIMING = { maxRefusedMs: 5_000 } as const;

export interface OperatorWatches {
  readonly transforms: Informer<KubeObject>;
  readonly graphs: Informer<KubeObject>;
  readonly namespaces: Informer<{ readonly isTerminating: boolean }>;
  /** CustomResourceDefinitions, by their resourceVersion. */
  readonly definitions: Informer<string>;
  /** ConfigMaps that say that they hold a module or input. */
  readonly modules: Informer<KubeObject>;
}

/** @param options with `namespace`, that one is the only one that is looked at */
export function operatorWatches(options: Basics): OperatorWatches {
  const basics = { ...options, timing: { ...options.timing, ...TIMING } };
  const { namespace, ...clusterWide } = basics;
  const transforms = new Informer({ ...basics, resource: TRANSFORMS, project: slim, isEqual: isSameVersion });
  const graphs = new Informer({
    ...basics,
    resource: RESOURCE_GRAPHS,
    project: slim,
    isEqual: isSameVersion,
  });
  const namespaces = new Informer({
    ...clusterWide,
    ...(namespace === undefined ? {} : { fieldSelector: `metadata.name=${namespace}` }),
    resource: NAMESPACES,
    isMetadataOnly: true,
    project: ({ metadata }) => ({ isTerminating: metadata.deletionTimestamp !== undefined }),
    isEqual: (a, b) => a.isTerminating === b.isTerminating,
  });
  const definitions = new Informer({
    ...clusterWide,
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
  return { transforms, graphs, namespaces, definitions, modules };
}

/** The watches as parts that start and stop with the operator. */
export function watchParts(watches: OperatorWatches): readonly Runnable[] {
  return [
    watching('namespaces', watches.namespaces),
    watching('kinds', watches.definitions),
    watching('transforms', watches.transforms),
    watching('resource graphs', watches.graphs),
    watching('modules', watches.modules),
  ];
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

/** Ready when the first list is in; then it goes on by itself, whatever happens to its stream. */
function watching<T>(name: string, informer: Informer<T>): Runnable {
  return {
    name: `watch of ${name}`,
    start: async (signal) => {
      informer.start();
      await informer.waitForSync(signal);
    },
    stop: () => informer.stop(),
    health: () => (informer.state === 'Live' ? undefined : describe(informer)),
  };
}

function describe({ state, lastError }: Pick<Informer<unknown>, 'lastError' | 'state'>): string {
  return lastError === undefined ? state : `${state}: ${lastError.message}`;
}
