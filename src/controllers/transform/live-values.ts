// What the graph's status says that live objects answered, as a render takes it. A value counts only for the expression
// that the graph has now: after a change, what the old one gave is no answer.
import type { GraphNode } from '../../api/index.ts';
import { expressionHash } from '../../cel/index.ts';
import { hashJson, type JsonValue } from '../../json/index.ts';
import {
  type ExportTable,
  OBSERVED_FIELD,
  type ObservedValues,
  PENDING_NODES_ID,
  type Rendered,
} from '../../render/index.ts';
import type { GraphView } from './graph-view.ts';

/** A value that was published, and is gone with its object. */
export interface LostValue {
  readonly nodeId: string;
  readonly name: string;
  /** RFC 3339. */
  readonly lostAt: string;
}

export interface LiveValues {
  readonly observed: ObservedValues;
  /** Of the values. */
  readonly expressions: ExportTable;
  /** Hashes of the expressions of the values. */
  readonly hashes: ObservedValues;
  readonly lost: readonly LostValue[];
}

/** The live values of a graph; none where there is no graph, or none that can be read. */
export function liveValuesOf(graph: GraphView | undefined): LiveValues {
  const observed: Record<string, Record<string, JsonValue>> = {};
  const expressions: Record<string, Record<string, string>> = {};
  const hashes: Record<string, Record<string, string>> = {};
  const lost: LostValue[] = [];
  for (const { id, exports } of graph?.spec?.nodes ?? []) {
    for (const [name, expression] of Object.entries(exports ?? {})) {
      const exported = graph?.status?.nodeStatus?.[id]?.exports?.[name];
      if (expression === undefined || exported?.exprHash !== expressionHash(expression)) continue;
      const { value, lostAt, exprHash } = exported;
      if (lostAt !== undefined) lost.push({ nodeId: id, name, lostAt });
      else if (value !== undefined) {
        observed[id] = { ...observed[id], [name]: value };
        expressions[id] = { ...expressions[id], [name]: expression };
        hashes[id] = { ...hashes[id], [name]: exprHash };
      }
    }
  }
  return { observed, expressions, hashes, lost };
}

/** Whether a path is of live values. */
export function isLiveRead(path: string): boolean {
  return path === OBSERVED_FIELD || path.startsWith(`${OBSERVED_FIELD}.`);
}

/** Whether one of the paths is of this export, of a part of it, or of more than it. */
export function isRead(reads: readonly string[], nodeId: string, name: string): boolean {
  const node = [`${OBSERVED_FIELD}.${nodeId}`, `${OBSERVED_FIELD}.${JSON.stringify(nodeId)}`];
  return reads.some(
    (path) =>
      path === OBSERVED_FIELD ||
      node.some(
        (start) => path === start || path === `${start}.${name}` || path.startsWith(`${start}.${name}.`),
      ),
  );
}

/** The values that the paths read, each as a hash. */
export function fingerprints(live: LiveValues, reads: readonly string[]): ReadonlyMap<string, string> {
  const entries = Object.entries(live.observed).flatMap(([nodeId, values]) =>
    Object.entries(values ?? {})
      .filter(([name]) => isRead(reads, nodeId, name))
      .map(
        ([name, value]) =>
          [`${nodeId}.${name}`, hashJson([value ?? null, live.hashes[nodeId]?.[name] ?? null])] as const,
      ),
  );
  return new Map(entries);
}

/** The lost values that the paths read. */
export function lostReads({ lost }: LiveValues, reads: readonly string[]): readonly LostValue[] {
  return lost.filter(({ nodeId, name }) => isRead(reads, nodeId, name));
}

export function describeLost(lost: readonly LostValue[]): string {
  return lost
    .map(({ nodeId, name, lostAt }) => `${OBSERVED_FIELD}.${nodeId}.${name} is lost since ${lostAt}`)
    .join(', ');
}

/**
 * The render with a node that waits for lost values, where it lacks nodes that run: they may be lacking for want of the
 * values, and a graph with a node that waits removes nothing. Without that, a graph that was written meanwhile would
 * remove them in the moment in which the values come back.
 */
export function keepingNodes(
  result: Rendered,
  running: readonly GraphNode[],
  { lost }: LiveValues,
): Rendered {
  const nodes = new Map(result.nodes.map((node) => [node.id, node]));
  const awaited = lost.filter(
    ({ nodeId, name }) =>
      nodes.get(nodeId)?.exports?.[name] !== undefined && isRead(result.reads, nodeId, name),
  );
  const isLacking = running.some(({ id }) => !nodes.has(id) && id !== PENDING_NODES_ID);
  if (awaited.length === 0 || !isLacking || nodes.has(PENDING_NODES_ID)) return result;
  const keeper: GraphNode = {
    id: PENDING_NODES_ID,
    waitsFor: awaited.map(({ nodeId, name }) => `${OBSERVED_FIELD}.${nodeId}.${name}`).slice(0, 64),
    dependsOn: [...new Set(awaited.map(({ nodeId }) => nodeId))].sort(),
  };
  const all = [...result.nodes, keeper];
  return { ...result, nodes: all, renderHash: hashJson(all) };
}
