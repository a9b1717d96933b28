// What a module is asked, in one evaluation: is the input what #Input wants, what is in graph, and which parts of
// context does it depend on.
import type {
  CueDiagnostic,
  CueEvaluation,
  CueModule,
  CueReference,
  CueResultsOf,
  CueTree,
  ValidateResult,
} from 'cuelang-wasm';
import type { ResolvedModule } from '../source/index.ts';
import { formatCuePath } from './cue-path.ts';

export const INPUT_FIELD = 'input' as const;
export const CONTEXT_FIELD = 'context' as const;

interface InputQuery {
  readonly type: 'validate';
  readonly path: string;
  readonly concrete: true;
  readonly fill: { readonly json: string; readonly name: string };
  readonly reportAs: string;
}

/** The queries of a render; what they mean is in {@link RenderAnswers}. */
type RenderQueries = readonly [
  { readonly type: 'references'; readonly path: string; readonly roots: readonly string[] },
  InputQuery,
  { readonly type: 'validate'; readonly path: string },
  { readonly type: 'children'; readonly path: string },
  { readonly type: 'export'; readonly path: string },
  { readonly type: 'export'; readonly path: string },
  { readonly type: 'export'; readonly path: string },
];

/** In order: references to context, input against #Input, conflicts anywhere, nodes, violations, metadata, allowEmpty. */
export type RenderAnswers = CueResultsOf<RenderQueries>;

/** The evaluation that renders a module. `builtins` are the packages that every module may import. */
export function renderEvaluation(
  module: ResolvedModule,
  builtins: CueTree,
  inputJson: string,
  contextJson: string,
): CueEvaluation<RenderQueries> {
  return {
    module: cueModule(module, builtins),
    package: module.packagePath,
    fills: [
      { path: INPUT_FIELD, json: inputJson, name: INPUT_FIELD, unifyWith: '#Input' },
      { path: CONTEXT_FIELD, json: contextJson, name: CONTEXT_FIELD },
    ],
    queries: [
      { type: 'references', path: 'graph', roots: [CONTEXT_FIELD] },
      inputQuery(inputJson),
      { type: 'validate', path: '' },
      { type: 'children', path: 'graph.nodes' },
      { type: 'export', path: 'graph.violations' },
      { type: 'export', path: 'graph.metadata' },
      { type: 'export', path: 'graph.allowEmpty' },
    ],
  };
}

/** The evaluation that holds an input against `#Input`, alone. */
export function inputEvaluation(
  module: ResolvedModule,
  builtins: CueTree,
  inputJson: string,
): CueEvaluation<readonly [InputQuery]> {
  return {
    module: cueModule(module, builtins),
    package: module.packagePath,
    queries: [inputQuery(inputJson)],
  };
}

function inputQuery(inputJson: string): InputQuery {
  const fill = { json: inputJson, name: INPUT_FIELD };
  return { type: 'validate', path: '#Input', concrete: true, fill, reportAs: INPUT_FIELD };
}

/** What #Input leaves open because it depends on something else is seen again with the rest filled in: no error here. */
export function inputErrors(answer: ValidateResult | undefined): readonly CueDiagnostic[] {
  return answer?.errors.filter(({ kind }) => kind !== 'incomplete') ?? [];
}

/** Paths of `context` that are read, sorted, each without what another covers. */
export function readPaths(references: readonly CueReference[]): readonly string[] {
  const paths = references.map(({ segments }) => {
    const unknown = segments.indexOf('*');
    return unknown < 0 ? segments : segments.slice(0, unknown);
  });
  const isCovered = (path: readonly string[]): boolean =>
    paths.some((other) => other.length < path.length && other.every((label, at) => label === path[at]));
  return [...new Set(paths.filter((path) => !isCovered(path)).map(formatCuePath))].sort();
}

/**
 * The module as the evaluator takes it. A module may use `input` and `context` without declaring them; CUE resolves
 * names before anything is filled in, so the declarations are put behind the last line of its files, where they move
 * no position.
 */
function cueModule(module: ResolvedModule, builtins: CueTree): CueModule {
  const { tree, packagePath } = module;
  const own = [...tree.files].filter(([path]) => isInFolder(path, packagePath));
  const missing = [INPUT_FIELD, CONTEXT_FIELD].filter((name) => {
    const declaration = new RegExp(`^"?${name}"?[?!]?[ \\t]*:`, 'm');
    return !own.some(([, content]) => declaration.test(content));
  });
  const files = Object.fromEntries(tree.files);
  if (missing.length === 0) return { id: module.digest, files, builtins: [builtins] };
  const declarations = missing.map((name) => `\n${name}: _`).join('');
  for (const [path, content] of own) files[path] = `${content}${declarations}\n`;
  return { id: `${module.digest}/${packagePath}`, files, builtins: [builtins] };
}

function isInFolder(path: string, folder: string): boolean {
  const slash = path.lastIndexOf('/');
  return path.endsWith('.cue') && (slash < 0 ? '.' : path.slice(0, slash)) === folder;
}
