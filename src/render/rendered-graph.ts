// What the evaluator found in a module's graph, as nodes, or as the error that says all that is wrong with it.
import type { CueDiagnostic } from 'cuelang-wasm';
import type { Violation } from '../api/index.ts';
import { isJsonArray, isJsonObject, parseJson } from '../json/index.ts';
import type { ModuleTree } from '../source/index.ts';
import { INPUT_FIELD, type RenderAnswers } from './contract.ts';
import { toViolations } from './diagnostics.ts';
import type { LiveGraph } from './live-graph.ts';
import { decodeNodes } from './nodes.ts';
import { isViolation } from './policies.ts';
import { RenderError, type RenderErrorCode } from './render-error.ts';
import type { ModuleMetadata, Rendered } from './result.ts';

export type RenderedGraph = Pick<Rendered, 'metadata' | 'nodes' | 'violations'>;

/**
 * The graph of a module whose input is as `#Input` wants it.
 * @param maxBytes of all nodes together, as JSON
 * @param live the part of live values, where the module refers to them
 * @throws RenderError
 */
export function readGraph(
  answers: RenderAnswers,
  tree: ModuleTree,
  maxBytes: number,
  live?: LiveGraph,
): RenderedGraph {
  const [, inInput, , , inGraph, children, violations, metadata, allowEmpty] = answers;
  throwEvaluationErrors(
    [
      ...(inInput?.errors ?? []),
      ...(inGraph?.errors ?? []),
      ...(children?.errors ?? []),
      ...(children?.children.flatMap(({ errors }) => errors) ?? []),
      ...(violations?.errors ?? []),
      ...(metadata?.errors ?? []),
      ...(allowEmpty?.errors ?? []),
    ],
    tree,
  );
  if (children?.exists !== true) throw contractError('graph.nodes', 'the module yields no graph.nodes');
  const own = readViolations(violations?.json);
  if (own.some(({ severity }) => severity === 'Error')) throw new RenderError('RENDER_REFUSED', own);
  const bytes = children.children.reduce((sum, { json = '' }) => sum + Buffer.byteLength(json), 0);
  if (bytes > maxBytes) {
    throw contractError('graph.nodes', `the nodes have ${bytes} bytes, at most ${maxBytes} are taken`);
  }
  const decoded = decodeNodes(children.children, children.kind === 'list');
  if (decoded.violations.length > 0) throw new RenderError('RENDER_CONTRACT', decoded.violations);
  const nodes = live === undefined ? decoded.nodes : live.nodes(decoded.nodes);
  if (nodes.length === 0 && allowEmpty?.json !== 'true') {
    const message = 'the module yields no nodes, and does not say graph.allowEmpty: nothing is changed';
    throw new RenderError('RENDER_EMPTY', [{ path: 'graph.nodes', message, severity: 'Error' }]);
  }
  return { nodes, metadata: readMetadata(metadata?.json), violations: [...own, ...(live?.notes ?? [])] };
}

function contractError(path: string, message: string): RenderError {
  return new RenderError('RENDER_CONTRACT', [{ path, message, severity: 'Error' }]);
}

function throwEvaluationErrors(found: readonly CueDiagnostic[], tree: ModuleTree): void {
  const errors = [...new Map(found.map((error) => [`${error.path}\0${error.message}`, error])).values()];
  if (errors.length === 0) return;
  throw new RenderError(codeOf(errors), toViolations(errors, tree));
}

function codeOf(errors: readonly CueDiagnostic[]): RenderErrorCode {
  const isAbout = (field: string, { path }: CueDiagnostic): boolean =>
    path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
  if (errors.some((error) => isAbout(INPUT_FIELD, error))) return 'INPUT_INVALID';
  if (errors.some(({ kind }) => kind === 'conflict')) return 'RENDER_CONFLICT';
  return 'RENDER_INCOMPLETE';
}

function readViolations(json: string | undefined): readonly Violation[] {
  if (json === undefined) return [];
  const found = parseJson(json);
  if (!isJsonArray(found)) throw contractError('graph.violations', 'is a list of violations');
  return found.map((item, at) => {
    const violation = isJsonObject(item) ? { severity: 'Error', path: '', ...item } : item;
    if (isViolation(violation)) return violation;
    throw contractError(
      `graph.violations[${at}]`,
      'a violation has path, message and severity (Error, Warning or Info)',
    );
  });
}

function readMetadata(json: string | undefined): ModuleMetadata {
  const value = json === undefined ? {} : parseJson(json);
  if (!isJsonObject(value)) throw contractError('graph.metadata', 'is a struct with name and version');
  const { name, version } = value;
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}
