// What a module that refers to live values is asked besides, and the answers in the terms of the render.
import type { CueDiagnostic, CueEvaluation, CueReference, CueResultsOf, ReferencesQuery } from 'cuelang-wasm';
import {
  evaluationOf,
  type RenderAnswers,
  type RenderQueries,
  type RenderQuestion,
  renderQueries,
} from './contract.ts';
import { formatCuePath } from './cue-path.ts';
import { belowObserved } from './live-waits.ts';
import { OBSERVED_FIELD, type ObservedPath } from './observed.ts';

/** No node has this id. */
const NO_NODE = '"-"';

interface Export {
  readonly type: 'export';
  readonly path: string;
}

interface ValidateShape {
  readonly type: 'validate';
  readonly path: string;
  readonly fill: { readonly json: string };
}

type LiveQueries = readonly [
  ...RenderQueries,
  ReferencesQuery,
  ReferencesQuery,
  Export,
  Export,
  ValidateShape,
];

/** The evaluation that renders a module which refers to live values. */
export function liveEvaluation(question: RenderQuestion): CueEvaluation<LiveQueries> {
  const roots = [OBSERVED_FIELD];
  return {
    ...evaluationOf(question),
    queries: [
      ...renderQueries(question),
      { type: 'references', path: 'graph.nodes', roots, children: true },
      { type: 'references', path: `graph.nodes.${NO_NODE}`, roots },
      // Of a field that is not there, the errors are those of what could hold it: a comprehension around the graph.
      { type: 'export', path: NO_NODE },
      { type: 'export', path: `graph.${NO_NODE}` },
      { type: 'validate', path: 'graph.nodes', fill: { json: '{}' } },
    ],
  };
}

/** What the module answered. */
export interface LiveAnswers {
  readonly render: RenderAnswers;
  /** What each node may read, by its label. */
  readonly reads: ReadonlyMap<string, readonly ObservedPath[]>;
  /** What a node of any name may read: of a comprehension around the graph, or one whose labels are computed. */
  readonly ambient: readonly ObservedPath[];
  /** What the nodes may read, and which of them there are. */
  readonly allReads: readonly ObservedPath[];
  /** What is wrong with the module and the graph themselves, beside their fields. */
  readonly around: readonly CueDiagnostic[];
  readonly isList: boolean;
}

export function liveAnswers(results: CueResultsOf<LiveQueries>): LiveAnswers {
  const [i0, i1, i2, i3, i4, children, i6, i7, i8, nodes, noNode, root, graph, shape] = results;
  const isOpen = (children?.errors ?? []).some(({ kind }) => kind === 'incomplete');
  return {
    render: [i0, i1, i2, i3, i4, children, i6, i7, i8],
    reads: new Map(nodes?.children.map(({ label, references }) => [label, pathsOf(references)])),
    ambient: pathsOf(noNode?.references ?? []),
    allReads: pathsOf(nodes?.references ?? []),
    around: [...(root?.errors ?? []), ...(graph?.errors ?? [])],
    // A list that is open has no type yet, but is no struct either.
    isList:
      children?.kind === 'list' || (isOpen && (shape?.errors ?? []).some(({ kind }) => kind === 'conflict')),
  };
}

function pathsOf(references: readonly CueReference[]): readonly ObservedPath[] {
  return references.flatMap(({ segments }) => belowObserved(segments));
}

/** What can be known of a node whose object is not: asked field by field. */
export const NODE_DETAILS = ['id', 'dependsOn', 'deletionPolicy', 'exports'] as const;

/** The evaluation that asks for the details of nodes, node by node. */
export function detailsEvaluation(
  question: RenderQuestion,
  labels: readonly string[],
  isList: boolean,
): CueEvaluation<readonly Export[]> {
  return {
    ...evaluationOf(question),
    queries: labels.flatMap((label) =>
      NODE_DETAILS.map((field) => ({ type: 'export', path: `${nodePath(label, isList)}.${field}` }) as const),
    ),
  };
}

/** The CUE path of a node. */
export function nodePath(label: string, isList: boolean): string {
  return isList ? `graph.nodes[${label}]` : formatCuePath(['graph', 'nodes', label]);
}
