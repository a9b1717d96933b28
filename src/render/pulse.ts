// Whether the evaluator's workers do their work, found out by giving them the smallest piece of it, and only when somebody
// asks and it is not known from before. A pool that is busy is not asked: its evaluations have deadlines of their own. Nor is
// one often that has shown that it works: workers with nothing to do end, and are not to be kept for the sake of the question.
import type { CuePool } from 'cuelang-wasm';
import { messageOf } from '../errors.ts';

/** How long a good beat counts: much longer than idle workers are kept. */
const FRESH_MS = 10 * 60_000;
const BEAT_DEADLINE_MS = 5_000;
/** With the wait for a worker. */
const BEAT_LIMIT_MS = 10_000;
/** How long beats must have failed before only a restart helps. */
const DEAD_AFTER_MS = 2 * 60_000;

export class EvaluatorPulse {
  readonly #pool: Pick<CuePool, 'format' | 'stats'>;
  readonly #now: () => number;
  #problem: string | undefined = 'nothing was evaluated yet';
  #beatAtMs: number | undefined;
  #failingSinceMs: number | undefined;
  #beating: Promise<void> | undefined;

  /** @param now milliseconds; only differences count */
  constructor(pool: Pick<CuePool, 'format' | 'stats'>, now: () => number) {
    this.#pool = pool;
    this.#now = now;
  }

  /** What is wrong, in words; undefined where workers answer. */
  async problem(): Promise<string | undefined> {
    const isFresh = this.#beatAtMs !== undefined && this.#now() - this.#beatAtMs < FRESH_MS;
    if (isFresh && this.#problem === undefined) return undefined;
    if (this.#pool.stats.busy > 0 && this.#failingSinceMs === undefined) return undefined;
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
    await this.#beating;
    return this.#problem;
  }

  /** The same as last found out, where it has lasted so long that only a restart helps. Waits for no worker to start. */
  deadlock(): string | undefined {
    void this.problem();
    const sinceMs = this.#failingSinceMs;
    return sinceMs !== undefined && this.#now() - sinceMs > DEAD_AFTER_MS ? this.#problem : undefined;
  }

  async #beat(): Promise<void> {
    try {
      const outcome = await this.#pool.format('x: 1\n', 'pulse.cue', {
        deadlineMs: BEAT_DEADLINE_MS,
        signal: AbortSignal.timeout(BEAT_LIMIT_MS),
      });
      this.#problem = outcome.ok ? undefined : (outcome.errors[0]?.message ?? 'an answer is wrong');
    } catch (error) {
      this.#problem = messageOf(error);
    }
    this.#beatAtMs = this.#now();
    this.#failingSinceMs = this.#problem === undefined ? undefined : (this.#failingSinceMs ?? this.#now());
  }
}
