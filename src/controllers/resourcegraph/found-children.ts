// What a graph has in the cluster, for an inventory that was lost. The watches show it; a kind that the operator may not
// watch is listed once with the rights of the graph's ServiceAccount. A kind about which neither is known ends the pass:
// an inventory made without having seen every kind would forget objects.
import { GRAPH_LABEL, type ResourceGraph } from '../../api/index.ts';
import { type GraphOwner, observe } from '../../apply/index.ts';
import { isForbidden, type Resource } from '../../kube/index.ts';
import type { Tenancy } from '../../tenancy/index.ts';
import type { Children } from './children.ts';
import type { ObservedChild } from './inventory.ts';
import { isKindGone, type KindSources } from './kind-gone.ts';
import type { KindProblem } from './kinds.ts';
import { resolveInAnyVersion } from './served-kind.ts';

export interface FoundChildrenRequest extends KindSources {
  readonly graph: ResourceGraph;
  readonly owner: GraphOwner;
  readonly children: Children;
  readonly tenancy: Pick<Tenancy, 'clientForDeletion'>;
  /** Kinds that are not watched. */
  readonly problems: readonly KindProblem[];
  /** True where a kind that nobody may list is passed over. */
  readonly mayPassOver: (problem: KindProblem) => boolean;
}

/** @throws the error of a kind of which it can't be said what there is. */
export async function findChildren(
  request: FoundChildrenRequest,
  signal: AbortSignal,
): Promise<readonly ObservedChild[]> {
  const { owner, children } = request;
  const listed: ObservedChild[] = [];
  for (const problem of request.problems) {
    const resource = await resolveInAnyVersion(request.mapper, problem.kind, signal);
    if (resource !== undefined) listed.push(...(await listAsTenant(request, problem, resource, signal)));
    else if (!(await isKindGone(request, problem.kind, signal))) throw problem.error;
  }
  return [...children.withLabel(owner, owner.graphId), ...listed];
}

async function listAsTenant(
  request: FoundChildrenRequest,
  problem: KindProblem,
  resource: Resource,
  signal: AbortSignal,
): Promise<readonly ObservedChild[]> {
  const { graph, owner, tenancy } = request;
  if (!resource.namespaced) return [];
  const client = tenancy.clientForDeletion(owner.namespace, graph.spec.serviceAccountName);
  const select = { namespace: owner.namespace, labelSelector: `${GRAPH_LABEL}=${owner.graphId}` };
  try {
    const objects = await client.listAll(resource, select, signal);
    return objects.map((object) => ({ resource, observation: observe(object) }));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    if (request.mayPassOver(problem)) return [];
    throw problem.error;
  }
}
