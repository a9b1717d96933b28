// Whether the evaluator's workers do their work, found out by giving them the smallest piece of it, and only when somebody
// asks and nothing has shown it for a while. A pool that is busy is not asked: its evaluations have deadlines of their own.
import type { CuePool } from 'cuelang-wasm';
import { messageOf } from '../errors.ts';

/** How long one beat counts. */
const FRESH_MS = 30_000;
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

  /** The same, where it has lasted so long that only a restart helps. */
  async deadlock(): Promise<string | undefined> {
    const problem = await this.problem();
    const sinceMs = this.#failingSinceMs;
    return sinceMs !== undefined && this.#now() - sinceMs > DEAD_AFTER_MS ? problem : undefined;
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
