// Turns the nodes of a graph into a plan that can be executed: checked, with all edges, in topological order.
//
// Invariants: every step is O(V+E) apart from a heap's logarithm, nothing recurses. That is why the order is computed
// here and not by a general graph library, whose recursive search overflows the stack on a chain of some thousand nodes
// and which alone needs most of a second to take in 100,000 nodes; it serves as the oracle of the property tests.
import {
  describeIdentity,
  type GraphNode,
  isResolvedNode,
  type KubeObject,
  type ObjectIdentity,
  type ResolvedNode,
} from '../api/index.ts';
import { findCycles } from './cycles.ts';
import { type EdgeList, findEdges } from './edges.ts';
import { identityOfNode } from './identity.ts';
import { IndexHeap } from './index-heap.ts';
import type { GraphProblem } from './problem.ts';
import { type ExpressionCheck, validateNodes } from './validate.ts';

interface PlacedNode {
  readonly id: string;
  /** Position in the declaration. */
  readonly index: number;
  readonly node: GraphNode;
  /** All dependencies, declared ones first, then implied ones. */
  readonly dependsOn: readonly string[];
  readonly dependents: readonly string[];
  /** Length of the longest path from a node without dependencies. Deletion goes from the highest to 0. */
  readonly wave: number;
}

/** A node whose object is known. */
export interface ResolvedPlanNode extends PlacedNode {
  readonly isPending: false;
  readonly node: ResolvedNode;
  readonly object: KubeObject;
  /** `metadata.namespace` as the node says it. */
  readonly declaredNamespace: string | undefined;
  /**
   * Identity for names and for telling objects apart: an undeclared namespace counts as the plan's, unless the kind is
   * known to be cluster-scoped. The caller, who has discovery, knows the real scope.
   */
  readonly identity: ObjectIdentity;
}

/** A node whose object depends on values that other nodes have not answered yet. */
export interface PendingPlanNode extends PlacedNode {
  readonly isPending: true;
  /** Paths of `observed`. */
  readonly waitsFor: readonly string[];
}

export type PlanNode = PendingPlanNode | ResolvedPlanNode;

export interface Plan {
  /** In declaration order. */
  readonly nodes: readonly PlanNode[];
  readonly byId: ReadonlyMap<string, PlanNode>;
  /** Dependencies before dependents; ties by declaration. */
  readonly order: readonly PlanNode[];
  /** By `PlanNode.index`: the indexes of its dependencies and of its dependents. */
  readonly edges: EdgeList;
}

export interface PlanOptions {
  /** Namespace of objects that say none. */
  readonly namespace: string;
  /** Default 100. */
  readonly maxNodes?: number;
  /** What is wrong with an expression; a caller may remember it. */
  readonly checkExpression?: ExpressionCheck;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly problems: readonly GraphProblem[] };

/** Most nodes of a graph where no other limit is set. */
export const DEFAULT_MAX_NODES = 100 as const;

/** A plan, or everything that is wrong with the nodes. */
export function buildPlan(nodes: readonly GraphNode[], options: PlanOptions): PlanResult {
  const maxNodes = options.maxNodes ?? DEFAULT_MAX_NODES;
  if (nodes.length > maxNodes) {
    const message = `the graph has ${nodes.length} nodes, at most ${maxNodes} are allowed`;
    return { ok: false, problems: [{ code: 'TooManyNodes', nodeIds: [], message }] };
  }
  const problems = [...validateNodes(nodes, options.namespace, options.checkExpression)];
  const { edges, problems: edgeProblems } = findEdges(nodes);
  problems.push(...edgeProblems);
  const sorted = sortTopologically(edges);
  if (sorted.order.length < nodes.length) problems.push(...findCycles(nodes, edges, sorted.waves));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, plan: assemble(nodes, options.namespace, edges, sorted) };
}

interface Sorted {
  /** Indexes; lacks the nodes on cycles and behind them. */
  readonly order: readonly number[];
  /** By index; -1 where `order` lacks the node. */
  readonly waves: readonly number[];
}

function sortTopologically(edges: EdgeList): Sorted {
  const count = edges.dependencies.length;
  const waves = new Array<number>(count).fill(-1);
  const depths = new Array<number>(count).fill(0);
  const open = edges.dependencies.map((list) => list.length);
  const ready = new IndexHeap();
  const order: number[] = [];
  for (let index = 0; index < count; index++) if (open[index] === 0) ready.push(index);
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    order.push(index);
    const wave = depths[index] ?? 0;
    waves[index] = wave;
    for (const dependent of edges.dependents[index] ?? []) {
      depths[dependent] = Math.max(depths[dependent] ?? 0, wave + 1);
      const left = (open[dependent] ?? 0) - 1;
      open[dependent] = left;
      if (left === 0) ready.push(dependent);
    }
  }
  return { order, waves };
}

function assemble(nodes: readonly GraphNode[], namespace: string, edges: EdgeList, sorted: Sorted): Plan {
  const idOf = (index: number): string => nodes[index]?.id ?? '';
  const planNodes = nodes.map((node, index): PlanNode => {
    const placed = {
      id: node.id,
      index,
      dependsOn: (edges.dependencies[index] ?? []).map(idOf),
      dependents: (edges.dependents[index] ?? []).map(idOf),
      wave: sorted.waves[index] ?? 0,
    };
    if (!isResolvedNode(node)) return { ...placed, isPending: true, node, waitsFor: node.waitsFor ?? [] };
    const { object } = node;
    return {
      ...placed,
      isPending: false,
      node,
      object,
      declaredNamespace: object.metadata.namespace,
      identity: identityOfNode(node, namespace),
    };
  });
  const order = sorted.order.flatMap((index) => planNodes[index] ?? []);
  return { nodes: planNodes, byId: new Map(planNodes.map((node) => [node.id, node])), order, edges };
}

/** The node's object, in words. */
export function describeNode(node: PlanNode): string {
  return node.isPending ? 'object not known yet' : describeIdentity(node.identity);
}
