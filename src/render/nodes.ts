// The nodes as a module yields them, each held against the schema of the API. Whether ids, dependencies and objects fit
// together is for the plan of the graph to say; here each node is looked at alone.
import type { CueChild } from 'cuelang-wasm';
import { decodeGraphNode } from '../api/crd/index.ts';
import type { GraphNode, Violation } from '../api/index.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json/index.ts';

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
type DecodeProblem = Extract<DecodedNode, { readonly ok: false }>['problems'][number];

/** As CUE takes it after a dot. */
const EXPORT_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

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
  const problems = exportProblems(value, path);
  if (problems.length > 0) return { ok: false, problems };
  return decodeGraphNode(key === undefined ? value : { id: key, ...value }, path);
}

/** What other nodes could not, or must not read. Values of Secrets would end up in plain objects. */
function exportProblems({ object, exports }: JsonObject, path: string): readonly DecodeProblem[] {
  if (!isJsonObject(exports)) return [];
  const names = Object.keys(exports);
  if (names.length > 0 && isJsonObject(object) && isSecret(object)) {
    const message = 'a Secret exports nothing: what refers to it names it, as in valueFrom.secretKeyRef';
    return [{ path: `${path}.exports`, message }];
  }
  return names
    .filter((name) => !EXPORT_NAME.test(name))
    .map((name) => ({
      path: `${path}.exports`,
      message: `${JSON.stringify(name)} is no name for an export: a letter, then letters, digits and _, at most 63`,
    }));
}

function isSecret({ apiVersion, kind }: JsonObject): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}

function refused(path: string, message: string): DecodedNode {
  return { ok: false, problems: [{ path, message }] };
}
