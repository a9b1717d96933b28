// The nodes of a module that refers to live values, as far as they are known: what each reads, what it waits for.
import type { CueDiagnostic } from 'cuelang-wasm';
import type { DeletionPolicy, ExportExpressions } from '../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, parseJson } from '../json/index.ts';
import { type LiveAnswers, nodePath } from './live-evaluation.ts';
import { uniquePaths, waitsOfAll } from './live-waits.ts';
import { ANY, type ExportTable, isObserved, type ObservedPath, type ObservedValues } from './observed.ts';

/** A node as the module yields it. */
export interface LiveNode {
  readonly id: string;
  /** In the module: `graph.nodes.app`. */
  readonly path: string;
  /** What it surely may read. */
  readonly reads: readonly ObservedPath[];
  /** Why its object is not known; empty where it is. */
  readonly errors: readonly CueDiagnostic[];
  /** What it waits for; empty where its object is known, or where it is wrong. */
  readonly waits: readonly ObservedPath[];
  /** Undefined where even they are not known yet. */
  readonly exports: ExportExpressions | undefined;
  readonly dependsOn?: readonly string[];
  readonly deletionPolicy?: DeletionPolicy;
}

/** What is known of nodes whose objects are not, by label. */
export type NodeDetails = ReadonlyMap<string, JsonObject>;

/** Labels of the nodes whose objects are not known. */
export function openLabels({ render }: LiveAnswers): readonly string[] {
  return (render[5]?.children ?? []).filter(({ json }) => json === undefined).map(({ label }) => label);
}

/** The nodes that the module is known to have. */
export function readLiveNodes(answers: LiveAnswers, details: NodeDetails): readonly LiveNode[] {
  const children = answers.render[5]?.children ?? [];
  return children.map(({ label, json, errors }) => {
    const parsed = json === undefined ? details.get(label) : parseJson(json);
    const known = isJsonObject(parsed) ? parsed : {};
    const { id, dependsOn, deletionPolicy, exports } = known;
    const own = answers.isList && typeof id === 'string' ? id : label;
    return {
      id: own,
      path: nodePath(label, answers.isList),
      reads: withoutAmbient(answers.reads.get(label) ?? [], answers.ambient),
      errors,
      waits: waitsOfAll(errors) ?? [],
      exports: exportsOf(exports, json !== undefined),
      ...(isJsonArray(dependsOn) ? { dependsOn: dependsOn.filter((it) => typeof it === 'string') } : {}),
      ...(deletionPolicy === 'Delete' || deletionPolicy === 'Orphan' ? { deletionPolicy } : {}),
    };
  });
}

function exportsOf(value: unknown, isComplete: boolean): ExportExpressions | undefined {
  if (!isRecord(value)) return value === undefined && !isComplete ? undefined : {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, it]) => (typeof it === 'string' ? [[name, it]] : [])),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutAmbient(
  reads: readonly ObservedPath[],
  ambient: readonly ObservedPath[],
): readonly ObservedPath[] {
  return reads.filter((path) => !ambient.some((other) => other.every((label, at) => path[at] === label)));
}

/** What decides which nodes there are, and has no value yet; empty where all nodes are known. */
export function openWaits({ render, around, allReads }: LiveAnswers, observed: ObservedValues): OpenWaits {
  const [, , graph, , , children] = render;
  const reads = (graph?.references ?? []).flatMap(({ segments: [root, ...rest] }) =>
    root === 'observed' && rest.length > 0 ? [rest] : [],
  );
  const unknown = reads.filter((path) => !isObserved(observed, path));
  const own = waitsOfAll(children?.errors ?? [], unknown) ?? [];
  // Beside the graph a module may have what is open for other reasons, and is none of the graph's.
  const outer = around.flatMap((error) => waitsOfAll([error], unknown) ?? []);
  const paths = uniquePaths([...own, ...outer]);
  // The evaluator names all that is read at the nodes or below; of these, what the known nodes read is theirs.
  const ofNodes = new Set(
    (render[5]?.children ?? []).flatMap(({ errors }) => waitsOfAll(errors) ?? []).map(asKey),
  );
  const specific = paths.filter(
    (path) => !ofNodes.has(asKey(path)) || !allReads.some((it) => asKey(it) === asKey(path)),
  );
  return {
    paths: specific.length === 0 ? paths : specific,
    errors: [...(children?.errors ?? []), ...around].filter(
      (error) => waitsOfAll([error], unknown) !== undefined,
    ),
  };
}

export interface OpenWaits {
  readonly paths: readonly ObservedPath[];
  readonly errors: readonly CueDiagnostic[];
}

/** What is read to find out which nodes there are: by the nodes as a whole, and by none that is known. */
export function structReads({ allReads, reads }: LiveAnswers): readonly ObservedPath[] {
  const ofNodes = new Set([...reads.values()].flat().map(asKey));
  return allReads.filter((path) => !ofNodes.has(asKey(path)));
}

/** Values of exports that the module no longer has, or has with another expression. */
export function staleValues(
  nodes: readonly LiveNode[],
  isOpen: boolean,
  observed: ObservedValues,
  expressions: ExportTable,
): readonly (readonly [id: string, name: string])[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return Object.entries(observed).flatMap(([id, values]) => {
    const node = byId.get(id);
    const isStale = (name: string): boolean => {
      if (node === undefined) return !isOpen;
      if (node.exports === undefined) return false;
      const now = node.exports[name];
      const before = expressions[id]?.[name];
      return now === undefined || (before !== undefined && before !== now);
    };
    return Object.keys(values ?? {})
      .filter(isStale)
      .map((name) => [id, name] as const);
  });
}

/** Whether it is not clear from the text alone which nodes read what. */
export function isUnsure(answers: LiveAnswers): boolean {
  const isComputed = ([id]: ObservedPath): boolean => id === ANY;
  return (
    answers.ambient.length > 0 ||
    structReads(answers).length > 0 ||
    [...answers.reads.values()].some((paths) => paths.some(isComputed))
  );
}

export function asKey(path: ObservedPath): string {
  return JSON.stringify(path);
}
