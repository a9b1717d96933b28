// Which nodes take over, or only read, an object that exists. What is wrong with the list of a Transform is said about
// the resource in question alone: the rest of the graph runs.
import {
  type AdoptedResource,
  type Adoption,
  type AdoptionStrategy,
  describeIdentity,
  gvkOf,
  identityKey,
  type ObjectIdentity,
} from '../api/index.ts';
import type { Plan, PlanNode, ResolvedPlanNode } from './plan.ts';

export interface AdoptionProblem {
  /** One line, lowercase, that names the resource. */
  readonly message: string;
  /** The node that must not run because of it. */
  readonly nodeId?: string;
}

export interface AdoptionPlan {
  /** By node id; the other nodes adopt nothing. */
  readonly strategies: ReadonlyMap<string, AdoptionStrategy>;
  readonly problems: readonly AdoptionProblem[];
}

/**
 * Nodes with `applyPolicy.mode: Adopt`, and nodes whose object the Transform lists. What is listed to be mirrored is
 * only read, whatever its node says.
 * @param namespace of the graph
 */
export function planAdoption(
  plan: Pick<Plan, 'byId' | 'nodes'>,
  adopt: Adoption | undefined,
  namespace: string,
): AdoptionPlan {
  const strategies = new Map<string, AdoptionStrategy>();
  const problems: AdoptionProblem[] = [];
  for (const { id, node } of plan.nodes) {
    if (node.applyPolicy?.mode === 'Adopt') strategies.set(id, 'TakeOwnership');
  }
  const finder = new NodeFinder(plan, namespace);
  for (const resource of adopt?.resources ?? []) {
    const found = finder.find(resource);
    if ('message' in found) problems.push(found);
    else if (found.node !== undefined && adopt !== undefined) strategies.set(found.node.id, adopt.strategy);
  }
  return { strategies, problems };
}

class NodeFinder {
  readonly #plan: Pick<Plan, 'byId' | 'nodes'>;
  readonly #namespace: string;
  readonly #byObject: ReadonlyMap<string, ResolvedPlanNode>;
  readonly #seen = new Set<string>();

  constructor(plan: Pick<Plan, 'byId' | 'nodes'>, namespace: string) {
    this.#plan = plan;
    this.#namespace = namespace;
    const resolved = plan.nodes.filter((node): node is ResolvedPlanNode => !node.isPending);
    this.#byObject = new Map(resolved.map((node) => [identityKey(node.identity), node]));
  }

  /** The node of a listed resource; none while it may be one whose object is not known yet. */
  find(resource: AdoptedResource): { readonly node: ResolvedPlanNode | undefined } | AdoptionProblem {
    const { group, kind } = gvkOf(resource);
    const identity = { group, kind, namespace: resource.namespace ?? this.#namespace, name: resource.name };
    const what = `${describeIdentity(identity)} can't be adopted`;
    if (identity.namespace !== this.#namespace) {
      return { message: `${what}: it is in another namespace than the Transform` };
    }
    if (this.#seen.has(identityKey(identity)))
      return { message: `${what} twice: it is listed more than once` };
    this.#seen.add(identityKey(identity));
    if (resource.nodeId !== undefined) return this.#named(resource.nodeId, identity, what);
    const node = this.#byObject.get(identityKey(identity));
    if (node === undefined && !this.#plan.nodes.some(({ isPending }) => isPending)) {
      return { message: `${what}: the graph has no node with this object` };
    }
    return { node };
  }

  #named(
    nodeId: string,
    identity: ObjectIdentity,
    what: string,
  ): { readonly node: ResolvedPlanNode | undefined } | AdoptionProblem {
    const node: PlanNode | undefined = this.#plan.byId.get(nodeId);
    if (node === undefined) return { message: `${what}: the graph has no node ${nodeId}` };
    if (node.isPending) return { node: undefined };
    if (identityKey(node.identity) === identityKey(identity)) return { node };
    const message = `${what} as node ${nodeId}: that one is ${describeIdentity(node.identity)}`;
    return { message, nodeId };
  }
}
