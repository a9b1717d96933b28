// The nodes as a module yields them, each held against the schema of the API. Whether ids, dependencies and objects fit
// together is for the plan of the graph to say; here each node is looked at alone.
import type { CueChild } from 'cuelang-wasm';
import { decodeGraphNode } from '../api/crd/index.ts';
import type { GraphNode, Violation } from '../api/index.ts';
import { isJsonObject, type JsonValue, parseJson } from '../json/index.ts';
import { expressionProblems } from './expressions.ts';

export interface DecodedNodes {
  readonly nodes: readonly GraphNode[];
  readonly violations: readonly Violation[];
}

/** Reads nodes in either form: fields of a struct, keyed by id, or elements of a list that carry theirs. */
export function decodeNodes(children: readonly CueChild[], isList: boolean): DecodedNodes {
  const nodes: GraphNode[] = [];
  const violations: Violation[] = [];
  for (const { label, json } of children) {
    if (json === undefined) continue;
    const path = isList ? `graph.nodes[${label}]` : `graph.nodes.${label}`;
    const node = decodeNode(parseJson(json), isList ? undefined : label, path);
    if (node.ok) nodes.push(node.value);
    else violations.push(...node.problems.map((problem): Violation => ({ ...problem, severity: 'Error' })));
  }
  return { nodes, violations };
}

type DecodedNode = ReturnType<typeof decodeGraphNode>;

function decodeNode(value: JsonValue, key: string | undefined, path: string): DecodedNode {
  if (!isJsonObject(value)) return refused(path, 'a node is a struct with a field object');
  const { id, waitsFor } = value;
  if (key !== undefined && id !== undefined && id !== key) {
    const names = `${JSON.stringify(id)} here and ${JSON.stringify(key)} in nodes`;
    return refused(`${path}.id`, `the node is called ${names}`);
  }
  if (waitsFor !== undefined) {
    return refused(`${path}.waitsFor`, 'is found by the operator, a module does not say it');
  }
  const problems = expressionProblems(value, path);
  if (problems.length > 0) return { ok: false, problems };
  return decodeGraphNode(key === undefined ? value : { id: key, ...value }, path);
}

function refused(path: string, message: string): DecodedNode {
  return { ok: false, problems: [{ path, message }] };
}
