import type { KubeObject } from '../meta.ts';
import type { ResourceGraph } from '../resource-graph.ts';
import { type Decoded, decode, type Problem } from '../schema/index.ts';
import type { Transform } from '../transform.ts';
import { RESOURCE_GRAPH_SCHEMA } from './resource-graph.ts';
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

/**
 * A ResourceGraph as it came from the API server. A status that does not fit is a problem like any other: while the
 * inventory is unknown nothing may be done.
 */
export function decodeResourceGraph(object: KubeObject): Decoded<ResourceGraph> {
  return decode(RESOURCE_GRAPH_SCHEMA, object);
}

/** One line that names every problem, for a condition's message. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}
