// What each node of a plan means in the cluster: the kind as the API server serves it, the namespace, the object as it
// is sent. Confinement is decided here, before anything is written: a graph reaches only its own namespace and only
// namespaced kinds, by the scope that discovery says.
import {
  type DeletionPolicy,
  gvkOf,
  type KubeObject,
  type ObjectIdentity,
  type Origin,
  type ResourceGraph,
} from '../../api/index.ts';
import { type GraphOwner, stampObject } from '../../apply/index.ts';
import { TerminalError } from '../../errors.ts';
import {
  confinementProblem,
  effectiveDeletion,
  type Plan,
  type ResolvedPlanNode,
} from '../../graph/index.ts';
import type { Resource, RestMapper } from '../../kube/index.ts';

export interface NodeTarget {
  readonly planNode: ResolvedPlanNode;
  readonly identity: ObjectIdentity;
  /** Undefined while the API server does not serve the kind. */
  readonly resource: Resource | undefined;
  readonly deletion: DeletionPolicy;
  readonly stamped: (origin: Origin) => KubeObject;
}

/** By node id; nodes whose object is not known yet have none. */
export type Targets = ReadonlyMap<string, NodeTarget>;

/**
 * Resolves every node of the plan.
 * @throws TerminalError (`NOT_CONFINED`) that names every node which reaches outside of the graph's namespace.
 */
export async function resolveTargets(
  plan: Plan,
  graph: ResourceGraph,
  owner: GraphOwner,
  mapper: RestMapper,
  signal: AbortSignal,
): Promise<Targets> {
  const targets = new Map<string, NodeTarget>();
  const refused: string[] = [];
  for (const planNode of plan.nodes) {
    if (planNode.isPending) continue;
    const gvk = gvkOf(planNode.object);
    const resource = await mapper.resolve(gvk, signal);
    const problem = confinementProblem(planNode, owner.namespace, resource?.namespaced);
    if (problem !== undefined) refused.push(problem);
    targets.set(planNode.id, targetOf(planNode, resource, graph, owner));
  }
  if (refused.length > 0) {
    throw new TerminalError(`nothing is applied: ${refused.join('; ')}`, {
      code: 'NOT_CONFINED',
      reason: 'NotConfined',
    });
  }
  return targets;
}

function targetOf(
  planNode: ResolvedPlanNode,
  resource: Resource | undefined,
  graph: ResourceGraph,
  owner: GraphOwner,
): NodeTarget {
  const namespace = owner.namespace;
  const identity = {
    group: planNode.identity.group,
    kind: planNode.identity.kind,
    namespace,
    name: planNode.identity.name,
  };
  const deletion = effectiveDeletion(identity, planNode.node.deletionPolicy, graph.spec.deletionPolicy);
  return {
    planNode,
    identity,
    resource,
    deletion,
    stamped: (origin) => stampObject(planNode.node, { owner, namespace, origin, deletion }),
  };
}
