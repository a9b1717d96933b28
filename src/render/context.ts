// What a module may know of the world besides its input. Everything here is stable while nothing relevant changes:
// bookkeeping annotations are left out, so that a kubectl apply or a reconcile request renders nothing anew.
import type { ObjectMeta, StringMap } from '../api/index.ts';
import type { JsonObject } from '../json/index.ts';

/** Filled into `context` of the module. */
export interface RenderContext extends JsonObject {
  readonly name: string;
  readonly namespace: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly cluster: ClusterFacts;
}

/** What the API server answers about itself. */
export interface ClusterFacts extends JsonObject {
  /** As in `v1.36.3`. */
  readonly version: string;
  /** `group/version` of everything that is served, sorted. */
  readonly apiVersions: readonly string[];
}

const HIDDEN_PREFIXES = ['kubectl.kubernetes.io/', 'pequod.io/'] as const;

/** The context of a Transform with this metadata. */
export function renderContext(metadata: ObjectMeta, cluster: ClusterFacts): RenderContext {
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    annotations: withoutBookkeeping(metadata.annotations ?? {}),
    cluster: { version: cluster.version, apiVersions: [...cluster.apiVersions].sort() },
  };
}

function withoutBookkeeping(annotations: StringMap): StringMap {
  const isShown = ([key]: readonly [string, unknown]): boolean =>
    !HIDDEN_PREFIXES.some((prefix) => key.startsWith(prefix));
  return Object.fromEntries(Object.entries(annotations).filter(isShown));
}
