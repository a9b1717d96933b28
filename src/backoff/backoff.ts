import { type BackoffOptions, exponentialBackoff } from './exponential.ts';

/** Delays that grow from one failure to the next, for what counts its own failures. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** How long to wait before the next try, in milliseconds. */
  next(): number {
    this.#failures += 1;
    return exponentialBackoff(this.#options, this.#failures, this.#random);
  }

  reset(): void {
    this.#failures = 0;
  }
}
