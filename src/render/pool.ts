import { CuePool } from 'cuelang-wasm';

/** How much of the machine rendering may take. */
export interface EvaluatorPoolOptions {
  /** Evaluations at the same time; default 2. */
  readonly maxWorkers?: number;
  /** Time for one evaluation; default 10 s. A module that takes longer is stopped. */
  readonly deadlineMs?: number;
  /** Memory of one worker; default 256 MiB. A module that takes more is stopped. */
  readonly maxMemoryBytes?: number;
}

/** Starts the workers that evaluate modules; the caller closes the pool. */
export function createEvaluatorPool(options: EvaluatorPoolOptions = {}): Promise<CuePool> {
  return CuePool.create({
    // A settled operator renders nothing: what evaluators hold of the machine's memory is given back.
    minWorkers: 0,
    maxWorkers: options.maxWorkers ?? 2,
    deadlineMs: options.deadlineMs ?? 10_000,
    maxMemoryBytes: options.maxMemoryBytes ?? 256 * 1024 * 1024,
    // An answer holds the nodes of one graph, which are refused over 1 MiB, and a few errors.
    maxOutputBytes: 8 * 1024 * 1024,
  });
}
