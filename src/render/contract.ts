// What a module is asked, in one evaluation: is the input what #Input wants, what is in graph, and which parts of
// context does it depend on.
import type {
  CueDiagnostic,
  CueEvaluation,
  CueModule,
  CueResultsOf,
  CueTree,
  ReferencesQuery,
} from 'cuelang-wasm';
import type { ResolvedModule } from '../source/index.ts';
import { formatCuePath } from './cue-path.ts';
import { OBSERVED_FIELD, packageFiles } from './observed.ts';

export const INPUT_FIELD = 'input' as const;
const CONTEXT_FIELD = 'context' as const;

/** One render, as it goes to the evaluator. */
export interface RenderQuestion {
  readonly module: ResolvedModule;
  /** The packages that every module may import. */
  readonly builtins: CueTree;
  readonly inputJson: string;
  readonly contextJson: string;
  /** Undefined where the module does not refer to live values. */
  readonly observedJson: string | undefined;
}

interface Validate {
  readonly type: 'validate';
  readonly path: string;
  readonly concrete?: boolean;
}

interface ValidateInput extends Validate {
  readonly fill: { readonly json: string; readonly name: string };
  readonly reportAs: string;
}

interface Export {
  readonly type: 'export';
  readonly path: string;
}

/** What is asked of an input: is it what `#Input` wants, alone, and as `input` with the context filled in. */
type InputQueries = readonly [ValidateInput, Validate];

/** What is asked of a module besides. */
export type GraphQueries = readonly [
  ReferencesQuery,
  ReferencesQuery,
  Validate,
  { readonly type: 'children'; readonly path: string },
  Export,
  Export,
  Export,
];

/**
 * In order: the input's two; what graph and what input read of context; conflicts in graph; nodes, violations,
 * metadata, allowEmpty. Nothing else of a module is looked at, since what is not looked at need not be among the reads.
 */
export type RenderAnswers = CueResultsOf<RenderQueries>;
export type RenderQueries = readonly [...InputQueries, ...GraphQueries];

/** The evaluation that renders a module. */
export function renderEvaluation(question: RenderQuestion): CueEvaluation<RenderQueries> {
  return { ...evaluationOf(question), queries: renderQueries(question) };
}

/** What is asked to render. */
export function renderQueries(question: RenderQuestion): RenderQueries {
  const roots = question.observedJson === undefined ? [CONTEXT_FIELD] : [CONTEXT_FIELD, OBSERVED_FIELD];
  return [
    ...inputQueries(question),
    { type: 'references', path: 'graph', roots },
    { type: 'references', path: INPUT_FIELD, roots },
    { type: 'validate', path: 'graph' },
    { type: 'children', path: 'graph.nodes' },
    { type: 'export', path: 'graph.violations' },
    { type: 'export', path: 'graph.metadata' },
    { type: 'export', path: 'graph.allowEmpty' },
  ];
}

/** The evaluation that looks at the input only. */
export function inputEvaluation(question: RenderQuestion): CueEvaluation<InputQueries> {
  return { ...evaluationOf(question), queries: inputQueries(question) };
}

/** The module with everything filled in, to be asked something. */
export function evaluationOf(question: RenderQuestion): Omit<CueEvaluation, 'queries'> {
  const { module, inputJson, contextJson, observedJson } = question;
  return {
    module: cueModule(module, question.builtins, observedJson !== undefined),
    package: module.packagePath,
    fills: [
      { path: INPUT_FIELD, json: inputJson, name: INPUT_FIELD, unifyWith: '#Input' },
      { path: CONTEXT_FIELD, json: contextJson, name: CONTEXT_FIELD },
      ...(observedJson === undefined
        ? []
        : [{ path: OBSERVED_FIELD, json: observedJson, name: OBSERVED_FIELD }]),
    ],
  };
}

function inputQueries({ inputJson }: RenderQuestion): InputQueries {
  const fill = { json: inputJson, name: INPUT_FIELD };
  return [
    { type: 'validate', path: '#Input', concrete: true, fill, reportAs: INPUT_FIELD },
    { type: 'validate', path: INPUT_FIELD, concrete: true },
  ];
}

/**
 * What is wrong with the input by `#Input` alone. A value that is open there may have a default that depends on the
 * context: it is missing only if it is open with all filled in, too.
 */
export function inputErrors(answers: Pick<RenderAnswers, 0 | 1>): readonly CueDiagnostic[] {
  const [alone, filled] = [answers[0]?.errors ?? [], answers[1]?.errors ?? []];
  const isOpen = (path: string): boolean => filled.some((error) => error.path === path);
  return alone.filter(({ kind, path }) => kind !== 'incomplete' && (kind !== 'missing' || isOpen(path)));
}

/**
 * Paths of `context` and `observed` that are read, sorted, each without what another covers; all of them where that is
 * not known.
 */
export function readPaths([, , graph, input]: RenderAnswers, isLive: boolean): readonly string[] {
  if (graph?.exists !== true) return isLive ? [CONTEXT_FIELD, OBSERVED_FIELD] : [CONTEXT_FIELD];
  const references = [...graph.references, ...(input?.references ?? [])];
  const paths = references.map(({ segments }) => {
    const unknown = segments.indexOf('*');
    return unknown < 0 ? segments : segments.slice(0, unknown);
  });
  const isCovered = (path: readonly string[]): boolean =>
    paths.some((other) => other.length < path.length && other.every((label, at) => label === path[at]));
  return [...new Set(paths.filter((path) => !isCovered(path)).map(formatCuePath))].sort();
}

/**
 * The module as the evaluator takes it, under a name that tells content and, where others are imported, who may have
 * them. A module may use `input`, `context` and `observed` without declaring them; CUE
 * resolves names before anything is filled in, so the declarations are put behind the last line of its files, where they
 * move no position.
 */
export function cueModule(
  module: Pick<ResolvedModule, 'tree' | 'packagePath' | 'dependencies'>,
  builtins: CueTree,
  isLive: boolean,
): CueModule {
  const { tree, packagePath } = module;
  const own = packageFiles(tree.files, packagePath);
  const isDeclared = (name: string): boolean => {
    const declaration = new RegExp(`^"?${name}"?[?!]?[ \\t]*:`, 'm');
    return own.some(([, content]) => declaration.test(content));
  };
  const missing = [
    ...(isDeclared(INPUT_FIELD) ? [] : [`${INPUT_FIELD}: ${isDeclared('#Input') ? '#Input' : '_'}`]),
    ...(isDeclared(CONTEXT_FIELD) ? [] : [`${CONTEXT_FIELD}: _`]),
    ...(isLive && !isDeclared(OBSERVED_FIELD) ? [`${OBSERVED_FIELD}: _`] : []),
  ];
  const files = Object.fromEntries(tree.files);
  const shared = { files, builtins: [builtins], ...dependenciesOf(module) };
  const id = [
    tree.digest,
    ...(module.dependencies === undefined ? [] : [`for ${module.dependencies.scope}`]),
  ];
  if (missing.length === 0) return { id: id.join('/'), ...shared };
  for (const [path, content] of own) files[path] = `${content}\n${missing.join('\n')}\n`;
  return { id: [...id, packagePath].join('/'), ...shared };
}

function dependenciesOf({
  dependencies,
}: Pick<ResolvedModule, 'dependencies'>): Pick<CueModule, 'dependencies'> {
  if (dependencies === undefined) return {};
  return {
    dependencies: async (path, version, signal) =>
      Object.fromEntries((await dependencies.load(path, version, signal)).files),
  };
}
