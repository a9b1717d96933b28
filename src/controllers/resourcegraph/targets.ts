// What each node of a plan means in the cluster: the kind as the API server serves it, the namespace, the object as it
// is sent. Confinement is decided here, before anything is written: a graph reaches only its own namespace and only
// namespaced kinds, by the scope that discovery says.
import {
  type AdoptionStrategy,
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
  type AdoptionPlan,
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
  /** Orphan for what is only read: nothing that an inventory still says of it may delete it. */
  readonly deletion: DeletionPolicy;
  /** How an object that exists is had; undefined where it is shared. */
  readonly adoption: AdoptionStrategy | undefined;
  readonly stamped: (origin: Origin) => KubeObject;
}

/** By node id; nodes whose object is not known yet have none. */
export type Targets = ReadonlyMap<string, NodeTarget>;

export interface TargetSources {
  readonly graph: ResourceGraph;
  readonly owner: GraphOwner;
  readonly adoption: AdoptionPlan;
}

/**
 * Resolves every node of the plan.
 * @throws TerminalError (`NOT_CONFINED`) that names every node which reaches outside of the graph's namespace.
 */
export async function resolveTargets(
  plan: Plan,
  { graph, owner, adoption }: TargetSources,
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
    targets.set(planNode.id, targetOf(planNode, resource, { graph, owner, adoption }));
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
  { graph, owner, adoption }: TargetSources,
): NodeTarget {
  const namespace = owner.namespace;
  const identity = {
    group: planNode.identity.group,
    kind: planNode.identity.kind,
    namespace,
    name: planNode.identity.name,
  };
  const strategy = adoption.strategies.get(planNode.id);
  const wanted = effectiveDeletion(identity, planNode.node.deletionPolicy, graph.spec.deletionPolicy);
  const deletion = strategy === 'Mirror' ? 'Orphan' : wanted;
  return {
    planNode,
    identity,
    resource,
    deletion,
    adoption: strategy,
    stamped: (origin) => stampObject(planNode.node, { owner, namespace, origin, deletion }),
  };
}

/** True for an object that the graph reads and never writes. */
export function isMirrored({ adoption }: Pick<NodeTarget, 'adoption'>): boolean {
  return adoption === 'Mirror';
}

/** The targets that the graph writes. */
export function managedTargets(targets: Targets): Targets {
  return new Map([...targets].filter(([, target]) => !isMirrored(target)));
}
