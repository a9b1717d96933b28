// What happens to the objects of a graph that is being deleted. The graph's own word is not enough: anyone who may
// delete a graph could otherwise delete what a live Transform runs.
import { decodeTransform } from '../../api/crd/index.ts';
import {
  gvkOf,
  identityKey,
  isResolvedNode,
  type KubeObject,
  type NamespacedName,
  ORPHAN_FINALIZER,
  type ResourceGraph,
  TRANSFORM_KIND,
} from '../../api/index.ts';
import { effectiveDeletion } from '../../graph/index.ts';
import { isNotFound, type OperatorClient, TRANSFORMS } from '../../kube/index.ts';
import { hasFinalizer, isBeingDeleted } from '../../runtime/index.ts';

/** `keep`: nothing is touched. `orphan`: everything is released. `delete`: each entry by its own policy. */
export type Fate = 'keep' | 'orphan' | 'delete';

/**
 * Asks the API server, by name, for the graph's Transform.
 * @throws ApiError or TransportError where the answer is anything but the Transform or its absence: then nothing is known.
 */
export async function findFate(
  operator: OperatorClient,
  graph: ResourceGraph,
  signal: AbortSignal,
): Promise<Fate> {
  const isOrphaned = graph.spec.deletionPolicy === 'Orphan' || !hasTransformOwner(graph);
  const transform = await readTransform(operator, graph, signal);
  if (transform === undefined) return isOrphaned ? 'orphan' : 'delete';
  if (!isBeingDeleted(transform)) return 'keep';
  return isOrphaned || saysOrphan(transform) ? 'orphan' : 'delete';
}

/**
 * Identity keys of the objects that stay by what the graph's nodes say now. The inventory says it too, but as of the last
 * pass that came to write it; Orphan wins wherever it is said.
 */
export function objectsThatStay(key: NamespacedName, graph: ResourceGraph): ReadonlySet<string> {
  const kept = new Set<string>();
  for (const { object, deletionPolicy } of graph.spec.nodes.filter(isResolvedNode)) {
    const { group, kind } = gvkOf(object);
    if (effectiveDeletion({ group, kind }, deletionPolicy, graph.spec.deletionPolicy) === 'Delete') continue;
    kept.add(identityKey({ group, kind, namespace: key.namespace, name: object.metadata.name }));
  }
  // What is only read now may have been ours before.
  const mirrored = graph.spec.adopt?.strategy === 'Mirror' ? graph.spec.adopt.resources : [];
  for (const resource of mirrored) {
    const { group, kind } = gvkOf(resource);
    kept.add(identityKey({ group, kind, namespace: key.namespace, name: resource.name }));
  }
  return kept;
}

async function readTransform(
  operator: OperatorClient,
  graph: ResourceGraph,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { namespace, name } = graph.metadata;
  try {
    return await operator.get(TRANSFORMS, { namespace, name }, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** `kubectl delete --cascade=orphan` makes the garbage collector take the owner reference away. */
function hasTransformOwner(graph: ResourceGraph): boolean {
  return (graph.metadata.ownerReferences ?? []).some(
    ({ kind, controller }) => kind === TRANSFORM_KIND && controller === true,
  );
}

function saysOrphan(transform: KubeObject): boolean {
  if (hasFinalizer(transform, ORPHAN_FINALIZER)) return true;
  const decoded = decodeTransform(transform);
  return decoded.ok && decoded.value.spec.deletionPolicy === 'Orphan';
}
