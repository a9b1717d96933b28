// The graph of a module that refers to live values. What each node reads becomes what it depends on, whether the value
// is known or not; a node whose object is open only because of live values waits; and where it is open which nodes there
// are, one more node waits for that. Everything else that is open or wrong stays an error.
import type { CueDiagnostic } from 'cuelang-wasm';
import type { GraphNode, Violation } from '../api/index.ts';
import type { ResolvedModule } from '../source/index.ts';
import type { RenderAnswers } from './contract.ts';
import { expressionProblems } from './expressions.ts';
import { type LiveGraphParts, neverErrors, neverNotes, selfError, whyNever } from './live-check.ts';
import type { LiveAnswers } from './live-evaluation.ts';
import { type LiveNode, openWaits, readLiveNodes, structReads } from './live-nodes.ts';
import { uniquePaths, waitsOf } from './live-waits.ts';
import { formatObservedPath, type ObservedPath, type ObservedValues, PENDING_NODES_ID } from './observed.ts';
import { RenderError } from './render-error.ts';

const MAX_WAITS = 64;

/** What is known, and what would be known if no node had answered anything. */
export interface LiveState {
  readonly module: ResolvedModule;
  readonly answers: LiveAnswers;
  readonly nodes: readonly LiveNode[];
  readonly observed: ObservedValues;
  readonly baseline: LiveAnswers;
}

/** The part that live values play in a graph. */
export interface LiveGraph {
  /** The answers without what only waits. */
  readonly answers: RenderAnswers;
  /**
   * All nodes, in order of declaration.
   * @param known those whose objects are known
   * @throws RenderError
   */
  nodes(known: readonly GraphNode[]): readonly GraphNode[];
  readonly notes: readonly Violation[];
}

/** @throws RenderError */
export function liveGraph(state: LiveState): LiveGraph {
  const { module, answers, nodes, observed } = state;
  const open = openWaits(answers, observed);
  const parts: LiveGraphParts = { module, nodes, open };
  return {
    answers: withoutWaiting(answers, open.errors),
    nodes: (known) => assemble(state, parts, known),
    notes: neverNotes(parts),
  };
}

function assemble(
  state: LiveState,
  parts: LiveGraphParts,
  known: readonly GraphNode[],
): readonly GraphNode[] {
  const { module, answers } = state;
  const dependencies = dependencyFinder(state, parts);
  const found = parts.nodes.map((node) => ({ node, implied: dependencies(node) }));
  const errors = [
    ...neverErrors(parts),
    ...parts.nodes.filter(({ waits }) => waits.length > 0).flatMap(expressionErrors),
    ...listErrors(state),
    ...found.flatMap(({ node, implied }) => (implied.includes(node.id) ? selfError(module, node) : [])),
    ...parts.nodes.filter(({ id }) => id === PENDING_NODES_ID).map(reservedId),
  ];
  if (errors.length > 0) throw new RenderError('RENDER_OBSERVED', errors);
  const byId = new Map(known.map((node) => [node.id, node]));
  const all = found.map(({ node, implied }): GraphNode => {
    const complete = byId.get(node.id);
    if (complete !== undefined) return { ...complete, ...dependsOn(complete.dependsOn, implied) };
    const { id, deletionPolicy, exports } = node;
    return {
      id,
      waitsFor: waitsFor(parts, node.waits),
      ...dependsOn(node.dependsOn, implied),
      ...(deletionPolicy === undefined ? {} : { deletionPolicy }),
      ...(exports === undefined || Object.keys(exports).length === 0 ? {} : { exports }),
    };
  });
  if (parts.open.paths.length === 0) return all;
  const ids = new Set(answers.isList ? [] : parts.nodes.map(({ id }) => id));
  const waited = idsOf(parts.open.paths).filter((id) => ids.has(id));
  return [
    ...all,
    { id: PENDING_NODES_ID, waitsFor: waitsFor(parts, parts.open.paths), ...dependsOn([], waited) },
  ];
}

function dependsOn(
  declared: readonly string[] = [],
  implied: readonly string[],
): Pick<GraphNode, 'dependsOn'> {
  const all = [...declared, ...implied.filter((id) => !declared.includes(id)).sort()];
  return all.length === 0 ? {} : { dependsOn: all };
}

/** Finds the nodes whose answers a node reads: by the text, and where that is not sure, by what it would wait for. */
function dependencyFinder(state: LiveState, parts: LiveGraphParts): (node: LiveNode) => readonly string[] {
  const { baseline } = state;
  const ids = new Set(parts.nodes.map(({ id }) => id));
  const before = new Map(readLiveNodes(baseline, new Map()).map((node) => [node.path, node]));
  const { paths } = openWaits(baseline, {});
  // What comes of a comprehension that needs no value to be complete is read from the text.
  const sources = paths.length > 0 ? paths : structReads(baseline);
  return (node) => {
    const without = before.get(node.path);
    const read = [...node.reads, ...node.waits, ...(without === undefined ? sources : without.waits)];
    return idsOf(read).filter((id) => ids.has(id));
  };
}

function idsOf(paths: readonly ObservedPath[]): readonly string[] {
  return [...new Set(paths.flatMap(([id]) => id ?? []))];
}

function waitsFor(parts: LiveGraphParts, paths: readonly ObservedPath[]): readonly string[] {
  const possible = paths.filter((path) => whyNever(parts, path) === undefined);
  const texts = uniquePaths(possible.map((path) => path.slice(0, 2))).map(formatObservedPath);
  return texts.sort().slice(0, MAX_WAITS);
}

/** Elements of a list have no names that would tell which of them are still to come. */
function listErrors({ answers, baseline, observed }: LiveState): readonly Violation[] {
  const isOpen = openWaits(answers, observed).paths.length > 0 || openWaits(baseline, {}).paths.length > 0;
  if (!isOpen || !(answers.isList || baseline.isList)) return [];
  const message =
    'a list of nodes may not depend on observed: write nodes as a struct, keyed by id, to have nodes for live values';
  return [{ path: 'graph.nodes', message, severity: 'Error' }];
}

/** Of a node that waits; of the others they are found with the rest of the node. */
function expressionErrors({ exports = {}, path }: LiveNode): readonly Violation[] {
  return expressionProblems({ exports }, path).map((problem) => ({ ...problem, severity: 'Error' }));
}

function reservedId({ path }: LiveNode): Violation {
  const message = `${PENDING_NODES_ID} stands for nodes that are not known yet: choose another id`;
  return { path, message, severity: 'Error' };
}

/** What is left to be said when nothing is said of what only waits for live values. */
function withoutWaiting({ render, isList }: LiveAnswers, open: readonly CueDiagnostic[]): RenderAnswers {
  const [alone, filled, reads, inputReads, conflicts, children, ...values] = render;
  const [violations, metadata, allowEmpty] = values;
  const isAbout = (error: CueDiagnostic): boolean => !open.includes(error) && waitsOf(error, []).length === 0;
  const unless = <T extends { readonly errors: readonly CueDiagnostic[] }>(
    value: T | undefined,
  ): T | undefined => (value === undefined ? undefined : { ...value, errors: value.errors.filter(isAbout) });
  const known = unless(children);
  return [
    alone,
    filled,
    reads,
    inputReads,
    unless(conflicts),
    known === undefined
      ? undefined
      : {
          ...known,
          exists: known.exists || open.length > 0,
          kind: isList ? 'list' : 'struct',
          children: known.children.flatMap((child) => unless(child) ?? []),
        },
    unless(violations),
    unless(metadata),
    unless(allowEmpty),
  ];
}
