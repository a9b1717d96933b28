// Whether a graph may be executed. A graph acts with the rights of its Transform's ServiceAccount, so it needs a live
// Transform that agrees with it; without one it may only be deleted.
import { decodeTransform } from '../../api/crd/index.ts';
import type { ResourceGraph } from '../../api/index.ts';
import { isBeingDeleted } from '../../runtime/index.ts';
import type { GraphDependencies } from './dependencies.ts';

/** Why the graph is left alone for now, or undefined. Whatever ends it is an event that brings the graph back. */
export function holdReason(
  deps: Pick<GraphDependencies, 'transforms' | 'namespaces' | 'tenancy'>,
  graph: ResourceGraph,
): string | undefined {
  const { namespace = '', name } = graph.metadata;
  if (deps.namespaces.get(undefined, namespace)?.isTerminating === true)
    return 'its namespace is being deleted';
  const transform = deps.transforms.get(namespace, name);
  if (transform === undefined) return 'its Transform does not exist';
  if (isBeingDeleted(transform)) return 'its Transform is being deleted';
  if (transform.metadata.uid !== graph.spec.sourceRef.uid)
    return 'it belongs to a former Transform of that name';
  const decoded = decodeTransform(transform);
  // What the Transform says under dryRun comes into force when it is approved; until then the graph runs as it is.
  if (!decoded.ok || decoded.value.spec.dryRun === true) return undefined;
  const expected = deps.tenancy.serviceAccountOf(decoded.value.spec);
  return expected === graph.spec.serviceAccountName
    ? undefined
    : 'its service account is not the one of its Transform';
}
