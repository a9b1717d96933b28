import { type CueDiagnostic, limitDiagnostic } from '../diagnostic.ts';
import type { CueModule } from '../module-source.ts';
import type { CueEvaluation, CueOutcome, CueQuery, CueResult, CueResultsOf } from '../query.ts';
import { artifactFolder, type CueVersion, compileEvaluator, readVersion } from '../wasm/index.ts';
import { Crew, type CrewStats } from './crew.ts';
import { DependencyStore } from './dependency-store.ts';
import type { EvaluatorAnswer } from './messages.ts';
import { type CuePoolOptions, type PoolSettings, settingsOf } from './options.ts';
import { JobQueue } from './queue.ts';

/** The pool was closed before the evaluation was done. */
export class CuePoolClosedError extends Error {
  constructor() {
    super('the pool is closed');
    this.name = 'CuePoolClosedError';
  }
}

export interface CallOptions {
  /** Time for the evaluation itself, in milliseconds; the pool's default otherwise. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface CuePoolStats extends CrewStats {
  /** Evaluations waiting for a worker. */
  readonly queued: number;
}

/** Formatted source, or why it can't be. */
export type FormatOutcome =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly CueDiagnostic[] };

type Reply = { readonly answer: EvaluatorAnswer } | { readonly stopped: CueDiagnostic };

/**
 * Evaluates CUE in worker threads, each a sandbox without any access to its
 * host. A call never blocks this thread, and what a module does, however
 * malicious, ends with its deadline or its memory limit and touches no other.
 */
export class CuePool {
  /** Which evaluator this is: part of any key that its answers are cached by. */
  readonly version: CueVersion;
  readonly #settings: PoolSettings;
  readonly #crew: Crew;
  readonly #queue: JobQueue;
  readonly #dependencies = new DependencyStore();
  #isClosed = false;

  private constructor(version: CueVersion, module: WebAssembly.Module, settings: PoolSettings) {
    this.version = version;
    this.#settings = settings;
    this.#crew = new Crew(module, settings);
    this.#queue = new JobQueue(this.#crew);
  }

  /** Compiles the evaluator, once for all workers, and starts the first of them. */
  static async create(options: CuePoolOptions = {}): Promise<CuePool> {
    const settings = settingsOf(options);
    const folder = options.artifact ?? artifactFolder;
    const [version, module] = await Promise.all([
      readVersion(folder),
      compileEvaluator(settings.maxMemoryBytes, folder),
    ]);
    return new CuePool(version, module, settings);
  }

  get stats(): CuePoolStats {
    return { ...this.#crew.stats, queued: this.#queue.size };
  }

  /**
   * Evaluates a package once and answers all queries about it. Whatever is wrong with the module or
   * the fills, limits included, is in the outcome. Rejects with the signal's reason, with what the
   * module's dependency loader rejected with, or with CuePoolClosedError.
   */
  async evaluate<const Q extends readonly CueQuery[]>(
    evaluation: CueEvaluation<Q>,
    options: CallOptions = {},
  ): Promise<CueOutcome<Q>> {
    const { module } = evaluation;
    for (;;) {
      const reply = await this.#ask(
        module.id,
        (withModule) => this.#request(evaluation, withModule),
        options,
      );
      if ('stopped' in reply) return { ok: false, errors: [reply.stopped] };
      const { answer } = reply;
      if (answer.needs !== undefined) {
        const errors = await this.#dependencies.supply(module, answer.needs, options.signal);
        if (errors.length > 0) return { ok: false, errors };
        continue;
      }
      return outcomeOf(evaluation.queries, answer);
    }
  }

  /** Formats source text as `cue fmt` does. */
  async format(source: string, name: string, options: CallOptions = {}): Promise<FormatOutcome> {
    const text = JSON.stringify({ op: 'format', name, source, limits: this.#limits() });
    const reply = await this.#ask('', () => text, options);
    if ('stopped' in reply) return { ok: false, errors: [reply.stopped] };
    const { errors, text: formatted = '' } = reply.answer;
    return errors === undefined ? { ok: true, text: formatted } : { ok: false, errors };
  }

  /** Stops all workers; what is queued or running rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#queue.clear();
    await this.#crew.close();
  }

  async #ask(
    moduleId: string,
    request: (withModule: boolean) => string,
    options: CallOptions,
  ): Promise<Reply> {
    options.signal?.throwIfAborted();
    if (this.#isClosed) throw new CuePoolClosedError();
    const deadlineMs = options.deadlineMs ?? this.#settings.deadlineMs;
    const outcome = await this.#queue.run({ moduleId, request, deadlineMs, signal: options.signal });
    options.signal?.throwIfAborted();
    if (this.#isClosed || outcome.type === 'aborted') throw new CuePoolClosedError();
    if (outcome.type === 'stopped') return { stopped: limitDiagnostic(outcome.limit, outcome.message) };
    return { answer: outcome.answer };
  }

  #request(evaluation: CueEvaluation, withModule: boolean): string {
    const { module, fills = [], queries } = evaluation;
    const sent = withModule ? this.#sent(module) : undefined;
    const limits = this.#limits();
    const folder = evaluation.package ?? '.';
    return JSON.stringify({
      op: 'evaluate',
      moduleId: module.id,
      module: sent,
      package: folder,
      fills,
      queries,
      limits,
    });
  }

  #sent(module: CueModule): object {
    return {
      files: module.files,
      builtins: module.builtins ?? [],
      dependencies: this.#dependencies.of(module.id),
    };
  }

  #limits(): object {
    const { cachedModules, maxOutputBytes, maxErrors } = this.#settings;
    return { maxModules: cachedModules, maxOutputBytes, maxErrors };
  }
}

function outcomeOf<Q extends readonly CueQuery[]>(queries: Q, answer: EvaluatorAnswer): CueOutcome<Q> {
  const { module, errors } = answer;
  if (errors !== undefined) return { ok: false, errors, ...(module === undefined ? {} : { module }) };
  const results = (answer.results ?? []).map((it) => it ?? undefined);
  if (module === undefined || !belongTo(queries, results))
    throw new Error('malformed answer of the evaluator');
  return { ok: true, module, results };
}

function belongTo<Q extends readonly CueQuery[]>(
  queries: Q,
  results: readonly (CueResult | undefined)[],
): results is CueResultsOf<Q> & readonly (CueResult | undefined)[] {
  return (
    queries.length === results.length &&
    results.every((result, i) => result === undefined || result.type === queries[i]?.type)
  );
}
