// Random graphs, and what may become of them: nodes come, go, change, and depend on others.
import type { GraphNode } from '../../src/api/index.ts';
import type { Random } from './random.ts';

/** What is wanted at one moment. */
export interface WantedGraph {
  readonly generation: number;
  readonly nodes: readonly GraphNode[];
}

const MAX_NODES = 10;

/** The name of a node's object: nodes may share their names with objects that were there before. */
export function objectName(node: GraphNode): string {
  return node.object?.metadata.name ?? '';
}

/** What an object looks like once the node is applied. */
export function contentOf(node: GraphNode): string {
  const data = node.object?.['data'];
  return typeof data === 'string' ? data : '';
}

export function randomGraph(random: Random): WantedGraph {
  const count = random.between(1, MAX_NODES);
  const nodes = Array.from({ length: count }, (_, at) => randomNode(random, at, at));
  return { generation: 1, nodes };
}

/** The graph after a change of its spec: some nodes changed, some gone, some new, some waiting for a value. */
export function changedGraph(random: Random, { generation, nodes }: WantedGraph): WantedGraph {
  const kept = nodes.filter(() => !random.chance(0.2));
  const next = generation + 1;
  const ids = new Set(kept.map(({ id }) => id));
  const changed = kept.map((node): GraphNode => {
    const dependsOn = (node.dependsOn ?? []).filter((id) => ids.has(id));
    if (random.chance(0.6)) return { ...node, dependsOn };
    return resolved(node.id, dependsOn, `v${next}`, random.chance(0.1) ? `moved-${node.id}` : `o-${node.id}`);
  });
  const free = Array.from({ length: MAX_NODES }, (_, at) => at).filter((at) => !ids.has(`n${at}`));
  for (const at of free) {
    if (!random.chance(0.15)) continue;
    const dependsOn = changed.filter(() => random.chance(0.2)).map(({ id }) => id);
    changed.push(resolved(`n${at}`, dependsOn, `v${next}`, `o-n${at}`));
  }
  const isFirstPending = changed.length > 1 && random.chance(0.15);
  const nodesNow = isFirstPending
    ? changed.map((node, at) => (at === changed.length - 1 ? pending(node) : node))
    : changed;
  return {
    generation: next,
    nodes: nodesNow.length === 0 ? [resolved('n0', [], `v${next}`, 'o-n0')] : nodesNow,
  };
}

/** The same graph with every value known: what the render yields once the others have answered. */
export function resolvedGraph(graph: WantedGraph): WantedGraph {
  if (graph.nodes.every(({ object }) => object !== undefined)) return graph;
  const generation = graph.generation + 1;
  const nodes = graph.nodes.map((node) =>
    node.object === undefined
      ? resolved(node.id, node.dependsOn ?? [], `v${generation}`, `o-${node.id}`)
      : node,
  );
  return { generation, nodes };
}

function randomNode(random: Random, at: number, before: number): GraphNode {
  const dependsOn: string[] = [];
  for (let other = 0; other < before; other += 1) if (random.chance(0.3)) dependsOn.push(`n${other}`);
  return resolved(`n${at}`, dependsOn, 'v1', `o-n${at}`);
}

function resolved(id: string, dependsOn: readonly string[], content: string, name: string): GraphNode {
  return {
    id,
    dependsOn,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: content },
  };
}

function pending({ id, dependsOn = [] }: GraphNode): GraphNode {
  return { id, dependsOn, waitsFor: [`observed.${dependsOn[0] ?? 'other'}.value`] };
}
