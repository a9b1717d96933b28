import type { CueEvaluation, CueOutcome, CueQuery } from 'cuelang-wasm';

/** How long an evaluation may take, and when it is no longer wanted. */
export interface EvaluateOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** What rendering needs of a pool of CUE workers. */
export interface CueEvaluator {
  /** Rejects with the signal's reason when aborted; what is wrong with the module is part of the outcome. */
  evaluate<const Q extends readonly CueQuery[]>(
    evaluation: CueEvaluation<Q>,
    options?: EvaluateOptions,
  ): Promise<CueOutcome<Q>>;
}
