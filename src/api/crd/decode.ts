import type { JsonObject } from '../../json/index.ts';
import type { KubeObject } from '../meta.ts';
import type { GraphNode, ResourceGraph } from '../resource-graph.ts';
import { type Decoded, decode, type Problem, unknownFields } from '../schema/index.ts';
import type { Transform } from '../transform.ts';
import { GRAPH_NODE_SCHEMA, RESOURCE_GRAPH_SCHEMA } from './resource-graph.ts';
import { TRANSFORM_SCHEMA } from './transform.ts';

export type DecodedTransform =
  | { readonly ok: true; readonly value: Transform; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * A Transform as it came from the API server. A status that does not fit is left out and named in `warnings`: all of it
 * can be found out again.
 */
export function decodeTransform(object: KubeObject): DecodedTransform {
  const whole = decode<Transform>(TRANSFORM_SCHEMA, object);
  if (whole.ok) return { ...whole, warnings: [] };
  const { status: _, ...withoutStatus } = object;
  const rest = decode<Transform>(TRANSFORM_SCHEMA, withoutStatus);
  return rest.ok ? { ...rest, warnings: whole.problems } : rest;
}

/** Objects as they came are never changed: one that was decoded is not decoded again. */
const decodedGraphs = new WeakMap<KubeObject, Decoded<ResourceGraph>>();

/**
 * A ResourceGraph as it came from the API server. A status that does not fit is a problem like any other: while the
 * inventory is unknown nothing may be done.
 */
export function decodeResourceGraph(object: KubeObject): Decoded<ResourceGraph> {
  const known = decodedGraphs.get(object);
  if (known !== undefined) return known;
  const decoded = decode(RESOURCE_GRAPH_SCHEMA, object);
  decodedGraphs.set(object, decoded);
  return decoded;
}

/** What of a node does not fit the schema; fields that it does not name are left alone. Paths begin in the node. */
export function graphNodeProblems(node: JsonObject): readonly Problem[] {
  const decoded = decode<GraphNode>(GRAPH_NODE_SCHEMA, node);
  return decoded.ok ? [] : decoded.problems;
}

/** A node as somebody wrote it: a field that the schema does not name is most likely misspelt, and a problem. */
export function decodeGraphNode(node: JsonObject, path: string): Decoded<GraphNode> {
  const unknown = unknownFields(GRAPH_NODE_SCHEMA, node, path);
  const decoded = decode<GraphNode>(GRAPH_NODE_SCHEMA, node, path);
  if (unknown.length === 0) return decoded;
  return { ok: false, problems: [...unknown, ...(decoded.ok ? [] : decoded.problems)] };
}

/** One line that names every problem, for a condition's message. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}
