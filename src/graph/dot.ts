import { describeNode, type Plan } from './plan.ts';

/** The plan in the DOT language: an arrow goes from a dependency to what waits for it. */
export function toDot(plan: Plan): string {
  const lines = ['digraph plan {', '  rankdir=LR;', '  node [shape=box];'];
  for (const node of plan.nodes) {
    const label = `${quote(node.id)} [label=${quote(`${node.id}\n${describeNode(node)}`)}]`;
    lines.push(`  ${label};`);
  }
  for (const node of plan.nodes) {
    for (const dependency of node.dependsOn) lines.push(`  ${quote(dependency)} -> ${quote(node.id)};`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
