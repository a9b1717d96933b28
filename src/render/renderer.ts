// One render is one evaluation of the module and one of the policies, and a function of nothing but the request: input
// and context go in as canonical JSON, so that the order in which an API server sends its keys changes no node.
import type { CueDiagnostic, CueTree } from 'cuelang-wasm';
import type { Violation } from '../api/index.ts';
import { canonicalJson, hashJson, isJsonArray, isJsonObject, parseJson } from '../json/index.ts';
import type { EmbeddedLibrary, ModuleTree } from '../source/index.ts';
import {
  CONTEXT_FIELD,
  INPUT_FIELD,
  inputErrors,
  inputEvaluation,
  type RenderAnswers,
  readPaths,
  renderEvaluation,
} from './contract.ts';
import { toViolations } from './diagnostics.ts';
import type { CueEvaluator } from './evaluator.ts';
import { allInputErrors } from './input-errors.ts';
import { decodeNodes } from './nodes.ts';
import { isViolation, PolicyChecker } from './policies.ts';
import { RenderError, type RenderErrorCode } from './render-error.ts';
import type { ModuleMetadata, ModuleRenderer, Rendered, RenderRequest, RenderResult } from './result.ts';

export interface RenderLimits {
  readonly maxInputBytes: number;
  /** Of all nodes together, as JSON. */
  readonly maxRenderedBytes: number;
  /** Of one evaluation, waiting for a worker not counted. */
  readonly deadlineMs: number;
}

export const DEFAULT_RENDER_LIMITS: RenderLimits = {
  maxInputBytes: 256 * 1024,
  maxRenderedBytes: 1024 * 1024,
  deadlineMs: 10_000,
};

export interface RendererOptions {
  readonly evaluator: CueEvaluator;
  /** Identifies the evaluator's build: its answers may change with it. */
  readonly evaluatorVersion: string;
  readonly library: EmbeddedLibrary;
  readonly limits?: RenderLimits;
}

type Graph = Pick<Rendered, 'metadata' | 'nodes' | 'violations'>;

/** Renders modules with a CUE evaluator. */
export class Renderer implements ModuleRenderer {
  readonly policiesDigest: string;
  readonly evaluatorVersion: string;
  readonly #evaluator: CueEvaluator;
  readonly #policies: PolicyChecker;
  readonly #builtins: CueTree;
  readonly #limits: RenderLimits;

  constructor(options: RendererOptions) {
    this.#limits = options.limits ?? DEFAULT_RENDER_LIMITS;
    this.#evaluator = options.evaluator;
    this.evaluatorVersion = options.evaluatorVersion;
    this.#builtins = Object.fromEntries(options.library.common.files);
    this.#policies = new PolicyChecker(options.evaluator, options.library.policies, this.#limits.deadlineMs);
    this.policiesDigest = options.library.policies.digest;
  }

  async render(request: RenderRequest, signal: AbortSignal): Promise<RenderResult> {
    const reads: string[] = [];
    try {
      const { nodes, metadata, violations } = await this.#graph(request, reads, signal);
      const { input, context } = request;
      const found = await this.#policies.check({ input, context, nodes }, signal);
      const renderHash = hashJson(nodes);
      return { ok: true, nodes, metadata, violations: [...violations, ...found], renderHash, reads };
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      return { ok: false, phase: error.phase, violations: error.violations, error, reads };
    }
  }

  async #graph(request: RenderRequest, reads: string[], signal: AbortSignal): Promise<Graph> {
    const inputJson = canonicalJson(request.input);
    this.#checkInputSize(inputJson);
    const outcome = await this.#evaluator.evaluate(
      renderEvaluation(request.module, this.#builtins, inputJson, canonicalJson(request.context)),
      { deadlineMs: this.#limits.deadlineMs, signal },
    );
    const { tree } = request.module;
    if (!outcome.ok) throw moduleError(outcome.errors, tree);
    const [references] = outcome.results;
    reads.push(...(references?.exists === true ? readPaths(references.references) : [CONTEXT_FIELD]));
    const [, first] = outcome.results;
    await this.#checkInput(request, inputErrors(first), signal);
    return this.#readGraph(outcome.results, tree);
  }

  /** Refuses an input with these errors, and says what else is wrong with it. */
  async #checkInput(
    request: RenderRequest,
    first: readonly CueDiagnostic[],
    signal: AbortSignal,
  ): Promise<void> {
    if (first.length === 0) return;
    const { module } = request;
    const errors = await allInputErrors(first, request.input, async (input) => {
      const outcome = await this.#evaluator.evaluate(
        inputEvaluation(module, this.#builtins, canonicalJson(input)),
        {
          deadlineMs: this.#limits.deadlineMs,
          signal,
        },
      );
      return outcome.ok ? inputErrors(outcome.results[0]) : [];
    });
    throw new RenderError('INPUT_INVALID', toViolations(errors, module.tree));
  }

  #checkInputSize(inputJson: string): void {
    const bytes = Buffer.byteLength(inputJson);
    if (bytes <= this.#limits.maxInputBytes) return;
    const message = `the input has ${bytes} bytes, at most ${this.#limits.maxInputBytes} are taken`;
    throw new RenderError('INPUT_INVALID', [{ path: INPUT_FIELD, message, severity: 'Error' }]);
  }

  #readGraph(answers: RenderAnswers, tree: ModuleTree): Graph {
    const [, , conflicts, children, violations, metadata, allowEmpty] = answers;
    throwEvaluationErrors(
      [
        ...(conflicts?.errors ?? []),
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
    this.#checkRenderedSize(children.children.map(({ json }) => json ?? ''));
    const decoded = decodeNodes(children.children, children.kind === 'list');
    if (decoded.violations.length > 0) throw new RenderError('RENDER_CONTRACT', decoded.violations);
    if (decoded.nodes.length === 0 && allowEmpty?.json !== 'true') {
      const message = 'the module yields no nodes, and does not say graph.allowEmpty: nothing is changed';
      throw new RenderError('RENDER_EMPTY', [{ path: 'graph.nodes', message, severity: 'Error' }]);
    }
    return { nodes: decoded.nodes, metadata: readMetadata(metadata?.json), violations: own };
  }

  #checkRenderedSize(texts: readonly string[]): void {
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (bytes <= this.#limits.maxRenderedBytes) return;
    throw contractError(
      'graph.nodes',
      `the nodes have ${bytes} bytes, at most ${this.#limits.maxRenderedBytes} are taken`,
    );
  }
}

function contractError(path: string, message: string): RenderError {
  return new RenderError('RENDER_CONTRACT', [{ path, message, severity: 'Error' }]);
}

/** The module could not be evaluated at all. */
function moduleError(errors: readonly CueDiagnostic[], tree: ModuleTree): RenderError {
  const code = errors.some(({ kind }) => kind === 'limit') ? 'RENDER_LIMIT' : 'MODULE_INVALID';
  return new RenderError(code, toViolations(errors, tree));
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
