// One render is one evaluation of the module (a few where it refers to live values) and one of the policies, and a
// function of nothing but the request: input, context and observed go in as canonical JSON, so that the order in which an API server sends its keys changes no node.
import type { CueDiagnostic, CueEvaluation, CueOutcome, CueQuery, CueTree } from 'cuelang-wasm';
import { isResolvedNode } from '../api/index.ts';
import { canonicalJson, hashJson, type JsonObject } from '../json/index.ts';
import type { EmbeddedLibrary, ModuleTree } from '../source/index.ts';
import {
  INPUT_FIELD,
  inputErrors,
  inputEvaluation,
  type RenderAnswers,
  type RenderQuestion,
  readPaths,
  renderEvaluation,
} from './contract.ts';
import { toViolations } from './diagnostics.ts';
import type { CueEvaluator } from './evaluator.ts';
import { allInputErrors } from './input-errors.ts';
import type { LiveGraph } from './live-graph.ts';
import { type Ask, renderLive } from './live-render.ts';
import { mentionsObserved } from './observed.ts';
import { PolicyChecker } from './policies.ts';
import { RenderError } from './render-error.ts';
import { type RenderedGraph, readGraph } from './rendered-graph.ts';
import type { ModuleRenderer, RenderRequest, RenderResult } from './result.ts';

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
      const found = await this.#policies.check(
        { input, context, nodes: nodes.filter(isResolvedNode) },
        signal,
      );
      const renderHash = hashJson(nodes);
      return { ok: true, nodes, metadata, violations: [...violations, ...found], renderHash, reads };
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      return { ok: false, phase: error.phase, violations: error.violations, error, reads };
    }
  }

  async #graph(request: RenderRequest, reads: string[], signal: AbortSignal): Promise<RenderedGraph> {
    const { module, input, observed = {}, expressions = {} } = request;
    const isLive = mentionsObserved(module);
    const question: RenderQuestion = {
      module,
      builtins: this.#builtins,
      inputJson: canonicalJson(input),
      contextJson: canonicalJson(request.context),
      observedJson: isLive ? canonicalJson(observed) : undefined,
    };
    this.#checkInputSize(question.inputJson);
    const ask = this.#asker(module.tree, signal);
    let live: LiveGraph | undefined;
    let answers: RenderAnswers;
    if (isLive) {
      live = await renderLive(ask, question, observed, expressions);
      answers = live.answers;
    } else {
      answers = (await ask(renderEvaluation(question))).results;
    }
    reads.push(...readPaths(answers, isLive));
    const errors = inputErrors(answers);
    if (errors.length > 0) throw await this.#inputError(question, input, errors, signal);
    return readGraph(answers, module.tree, this.#limits.maxRenderedBytes, live);
  }

  #asker(tree: ModuleTree, signal: AbortSignal): Ask {
    return async (evaluation) => {
      const outcome = await this.#evaluate(evaluation, signal);
      if (!outcome.ok) throw moduleError(outcome.errors, tree);
      return outcome;
    };
  }

  /** Says all that is wrong with an input that has these errors. */
  async #inputError(
    question: RenderQuestion,
    input: JsonObject,
    first: readonly CueDiagnostic[],
    signal: AbortSignal,
  ): Promise<RenderError> {
    const errors = await allInputErrors(first, input, async (rest) => {
      const evaluation = inputEvaluation({ ...question, inputJson: canonicalJson(rest) });
      const outcome = await this.#evaluate(evaluation, signal);
      return outcome.ok ? inputErrors(outcome.results) : [];
    });
    return new RenderError('INPUT_INVALID', toViolations(errors, question.module.tree));
  }

  #evaluate<const Q extends readonly CueQuery[]>(
    evaluation: CueEvaluation<Q>,
    signal: AbortSignal,
  ): Promise<CueOutcome<Q>> {
    return this.#evaluator.evaluate(evaluation, { deadlineMs: this.#limits.deadlineMs, signal });
  }

  #checkInputSize(inputJson: string): void {
    const bytes = Buffer.byteLength(inputJson);
    if (bytes <= this.#limits.maxInputBytes) return;
    const message = `the input has ${bytes} bytes, at most ${this.#limits.maxInputBytes} are taken`;
    throw new RenderError('INPUT_INVALID', [{ path: INPUT_FIELD, message, severity: 'Error' }]);
  }
}

/** The module could not be evaluated at all. */
function moduleError(errors: readonly CueDiagnostic[], tree: ModuleTree): RenderError {
  const code = errors.some(({ kind }) => kind === 'limit') ? 'RENDER_LIMIT' : 'MODULE_INVALID';
  return new RenderError(code, toViolations(errors, tree));
}
