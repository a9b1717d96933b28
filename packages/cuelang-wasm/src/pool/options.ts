/** When a worker is replaced by a fresh one, after an answer and without delaying the next caller. */
export interface RecycleOptions {
  /** Evaluations answered. CUE keeps each label it ever saw, so memory grows with new ones. */
  readonly maxEvaluations?: number;
  /** Modules opened. */
  readonly maxModules?: number;
  /** Wasm memory taken, in bytes. */
  readonly memoryBytes?: number;
}

export interface CuePoolOptions {
  /** Workers kept when there is nothing to do; default 1. With 0 the first caller after that waits for a worker to start. */
  readonly minWorkers?: number;
  /** Workers that evaluate at the same time; default 2. */
  readonly maxWorkers?: number;
  /** Whether one more worker is kept started while others are, to take the place of a stopped one; default true. */
  readonly hasSpare?: boolean;
  /** How long a worker above `minWorkers` may be idle; default 60,000. */
  readonly idleTimeoutMs?: number;
  /** Time for one evaluation where the call names none; default 5,000. Waiting for a worker doesn't count. */
  readonly deadlineMs?: number;
  /** Wasm memory that a worker may take; default 512 MiB. */
  readonly maxMemoryBytes?: number;
  /** JSON text in one answer; default 16 MiB. */
  readonly maxOutputBytes?: number;
  /** Errors listed per question; default 100. */
  readonly maxErrors?: number;
  /** Modules that a worker keeps opened; default 16. */
  readonly cachedModules?: number;
  readonly recycle?: RecycleOptions;
  /** Where `cue.wasm.br` and `cue.json` are, if not in the package. */
  readonly artifact?: URL;
}

export interface PoolSettings {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly hasSpare: boolean;
  readonly idleTimeoutMs: number;
  readonly deadlineMs: number;
  readonly maxMemoryBytes: number;
  readonly maxOutputBytes: number;
  readonly maxErrors: number;
  readonly cachedModules: number;
  readonly recycle: Required<RecycleOptions>;
}

const MIB = 1024 * 1024;

export function settingsOf(options: CuePoolOptions): PoolSettings {
  const maxMemoryBytes = options.maxMemoryBytes ?? 512 * MIB;
  const maxWorkers = options.maxWorkers ?? 2;
  return {
    minWorkers: Math.min(options.minWorkers ?? 1, maxWorkers),
    maxWorkers,
    hasSpare: options.hasSpare ?? true,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    deadlineMs: options.deadlineMs ?? 5_000,
    maxMemoryBytes,
    maxOutputBytes: options.maxOutputBytes ?? 16 * MIB,
    maxErrors: options.maxErrors ?? 100,
    cachedModules: options.cachedModules ?? 16,
    recycle: {
      maxEvaluations: options.recycle?.maxEvaluations ?? 5_000,
      maxModules: options.recycle?.maxModules ?? 200,
      memoryBytes: options.recycle?.memoryBytes ?? maxMemoryBytes / 2,
    },
  };
}
