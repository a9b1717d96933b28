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

/** A value that was published, and is gone with its object or its expression. */
export interface LostValue {
  readonly nodeId: string;
  readonly name: string;
  /** RFC 3339; undefined while its object was not asked by its new expression yet. */
  readonly lostAt: string | undefined;
}

export interface LiveValues {
  readonly observed: ObservedValues;
  /** Of the values. */
  readonly expressions: ExportTable;
  /** Hashes of the expressions of the values. */
  readonly hashes: ObservedValues;
  readonly lost: readonly LostValue[];
  /** Expressions whose objects were asked, and never had an answer. */
  readonly unanswered: ExportTable;
}

/** The live values of a graph; none where there is no graph, or none that can be read. */
export function liveValuesOf(graph: GraphView | undefined): LiveValues {
  const observed: Record<string, Record<string, JsonValue>> = {};
  const expressions: Record<string, Record<string, string>> = {};
  const hashes: Record<string, Record<string, string>> = {};
  const unanswered: Record<string, Record<string, string>> = {};
  const lost: LostValue[] = [];
  for (const { id, exports } of graph?.spec?.nodes ?? []) {
    for (const [name, expression] of Object.entries(exports ?? {})) {
      const exported = graph?.status?.nodeStatus?.[id]?.exports?.[name];
      if (expression === undefined || exported === undefined) continue;
      const { value, lostAt, exprHash } = exported;
      const isAsked = exprHash === expressionHash(expression);
      if (lostAt !== undefined || (value !== undefined && !isAsked)) {
        lost.push({ nodeId: id, name, lostAt });
      } else if (value !== undefined) {
        observed[id] = { ...observed[id], [name]: value };
        expressions[id] = { ...expressions[id], [name]: expression };
        hashes[id] = { ...hashes[id], [name]: exprHash };
      } else if (isAsked) unanswered[id] = { ...unanswered[id], [name]: expression };
    }
  }
  return { observed, expressions, hashes, lost, unanswered };
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
    .map(({ nodeId, name, lostAt }) => {
      const what = `${OBSERVED_FIELD}.${nodeId}.${name}`;
      return lostAt === undefined
        ? `${what} is about to be computed anew`
        : `${what} is lost since ${lostAt}`;
    })
    .join(', ');
}

const MAX_WAITS = 64;

/** A render that removes nothing too early. */
export interface Kept {
  readonly result: Rendered;
  /** Live values that decide whether something is removed; none where nothing was added to the render. */
  readonly awaits: readonly string[];
}

/**
 * The render with a node that waits for values which are lost, or which their objects were never asked for, where it
 * lacks nodes that run: they may be lacking for want of the values, and a graph with a node that waits removes nothing.
 * Without that, a graph that was written meanwhile would remove them in the moment in which the values come.
 */
export function keepingNodes(result: Rendered, running: readonly GraphNode[], live: LiveValues): Kept {
  const nodes = new Set(result.nodes.map(({ id }) => id));
  // A node that waited says that something may be kept already that no graph has any more.
  const isLacking = running.some(({ id }) => !nodes.has(id));
  const awaited = isLacking ? awaitedExports(result, live) : [];
  if (awaited.length === 0 || nodes.has(PENDING_NODES_ID)) return { result, awaits: [] };
  const awaits = awaited.map(([nodeId, name]) => `${OBSERVED_FIELD}.${nodeId}.${name}`);
  const keeper: GraphNode = {
    id: PENDING_NODES_ID,
    waitsFor: awaits.slice(0, MAX_WAITS),
    dependsOn: [...new Set(awaited.map(([nodeId]) => nodeId))].sort(),
  };
  const all = [...result.nodes, keeper];
  return { result: { ...result, nodes: all, renderHash: hashJson(all) }, awaits };
}

/** Exports that the render reads and that may still come to have a value: node and name. */
function awaitedExports(
  { nodes, reads }: Rendered,
  { expressions, lost, unanswered }: LiveValues,
): readonly (readonly [nodeId: string, name: string])[] {
  return nodes.flatMap(({ id, exports }) =>
    Object.entries(exports ?? {}).flatMap(([name, expression]) => {
      const isLost = lost.some((value) => value.nodeId === id && value.name === name);
      const isAnswered = [expressions, unanswered].some((table) => table[id]?.[name] === expression);
      const isAwaited = isRead(reads, id, name) && (isLost || !isAnswered);
      return isAwaited ? [[id, name] as const] : [];
    }),
  );
}

/** True where a render waits for a value that its object was asked for since, without an answer. */
export function isAwaitedInVain(awaits: readonly string[], { unanswered }: LiveValues): boolean {
  return Object.entries(unanswered).some(([id, names]) =>
    Object.keys(names ?? {}).some((name) => awaits.includes(`${OBSERVED_FIELD}.${id}.${name}`)),
  );
}
