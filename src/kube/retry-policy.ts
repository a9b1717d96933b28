// When an informer tries again. A clean end of a stream that had lived is no failure; a stream that ends at once is one,
// whoever ended it, or a server that closes every stream would be stormed.
import { Backoff } from '../backoff/index.ts';
import { askedDelayMs, type PequodError } from '../errors.ts';

export interface RetryTiming {
  /** First delay after a failure. Default 0.8 s. */
  readonly initialBackoffMs?: number;
  /** Longest delay after a failure. Default 30 s. */
  readonly maxBackoffMs?: number;
  /** Longest delay while the kind is not served or not allowed. Default 60 s. */
  readonly maxRefusedMs?: number;
}

/** Half to whole, so that many watches do not come back in step. */
const JITTER = 0.5;
const HEALTHY_MS = 120_000;
const SHORT_LIFE_MS = 1_000;
const FIRST_REFUSED_MS = 200;
const EXPIRY_GRACE_MS = 30_000;

export class RetryPolicy {
  readonly #now: () => number;
  readonly #failures: Backoff;
  readonly #refusals: Backoff;
  #liveAtMs: number | undefined;
  #expiredAtMs: number | undefined;

  constructor(timing: RetryTiming, random: () => number, now: () => number) {
    const { initialBackoffMs = 800, maxBackoffMs = 30_000, maxRefusedMs = 60_000 } = timing;
    this.#now = now;
    this.#failures = new Backoff(
      { baseMs: initialBackoffMs, maxMs: maxBackoffMs, factor: 2, jitter: JITTER },
      random,
    );
    // A CRD and its first object applied together: the kind is served a moment later.
    this.#refusals = new Backoff(
      { baseMs: FIRST_REFUSED_MS, maxMs: maxRefusedMs, factor: 4, jitter: JITTER },
      random,
    );
  }

  /** A stream is being opened. */
  begin(): void {
    this.#liveAtMs = undefined;
  }

  /** The stream is open and complete. */
  live(): void {
    this.#liveAtMs = this.#now();
    this.#refusals.reset();
  }

  /** Forgets earlier failures. */
  reset(): void {
    this.#failures.reset();
    this.#refusals.reset();
  }

  /** The stream ended without an error. @returns milliseconds to wait. */
  afterEnd(): number {
    this.#forgive();
    return this.#lifeMs >= SHORT_LIFE_MS ? 0 : this.#failures.next();
  }

  /** @returns milliseconds to wait, not less than what the server asked for. */
  afterError(error: PequodError | undefined): number {
    this.#forgive();
    const asked = error === undefined ? 0 : (askedDelayMs(error.retry) ?? 0);
    return Math.max(asked, this.#failures.next());
  }

  /** The resourceVersion was too old: list at once, unless that has just been of no use. */
  afterExpiry(): number {
    const lastMs = this.#expiredAtMs;
    this.#expiredAtMs = this.#now();
    return lastMs === undefined || this.#now() - lastMs > EXPIRY_GRACE_MS ? 0 : this.#failures.next();
  }

  /** The kind is not served, or not allowed. */
  afterRefusal(): number {
    return this.#refusals.next();
  }

  get #lifeMs(): number {
    return this.#liveAtMs === undefined ? 0 : this.#now() - this.#liveAtMs;
  }

  #forgive(): void {
    if (this.#lifeMs >= HEALTHY_MS) this.#failures.reset();
  }
}
