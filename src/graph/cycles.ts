// Names the cycles of a graph that has no topological order. Iterative depth-first search: nothing recurses.
import type { GraphNode } from '../api/index.ts';
import type { EdgeList } from './edges.ts';
import type { GraphProblem } from './problem.ts';

/** Cycles named at once; a graph with more of them is reported in instalments. */
const MAX_CYCLES = 20;
/** Longest path that is written out whole. */
const MAX_PATH_IN_MESSAGE = 50;

/**
 * At least one cycle of every group of nodes that depend on each other, as `a → b → a`.
 * @param waves by index; nodes with a wave of 0 or more are on no cycle.
 */
export function findCycles(
  nodes: readonly GraphNode[],
  edges: EdgeList,
  waves: readonly number[],
): readonly GraphProblem[] {
  const problems: GraphProblem[] = [];
  const onPath = new Map<number, number>();
  const isDone = new Set<number>();
  const isReported = new Set<number>();
  const report = (cycle: readonly number[]): void => {
    if (problems.length >= MAX_CYCLES) return;
    for (const index of cycle) isReported.add(index);
    problems.push(cycleProblem(cycle.map((index) => nodes[index]?.id ?? '')));
  };
  for (let root = 0; root < nodes.length; root++) {
    if (waves[root] !== -1 || isDone.has(root)) continue;
    const path = [root];
    const next = [0];
    onPath.set(root, 0);
    while (path.length > 0) {
      const depth = path.length - 1;
      const index = path[depth] ?? 0;
      const at = next[depth] ?? 0;
      const dependency = edges.dependencies[index]?.[at];
      next[depth] = at + 1;
      if (dependency === undefined) {
        path.pop();
        next.pop();
        onPath.delete(index);
        isDone.add(index);
      } else if (onPath.has(dependency)) {
        // The first edge that leads back in each group of mutually dependent nodes meets no reported node.
        const isNew = !isReported.has(dependency) && !isReported.has(index);
        if (isNew) report(path.slice(onPath.get(dependency)));
      } else if (waves[dependency] === -1 && !isDone.has(dependency)) {
        onPath.set(dependency, path.length);
        path.push(dependency);
        next.push(0);
      }
    }
  }
  return problems;
}

function cycleProblem(ids: readonly string[]): GraphProblem {
  const isLong = ids.length > MAX_PATH_IN_MESSAGE;
  const named = isLong ? [...ids.slice(0, MAX_PATH_IN_MESSAGE), `… ${ids.length} nodes`] : ids;
  const message = `dependency cycle: ${[...named, ids[0] ?? ''].join(' → ')}`;
  return { code: 'Cycle', nodeIds: ids, message };
}
