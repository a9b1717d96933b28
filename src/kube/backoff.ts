/** Growing delays with full-width jitter (half to whole), so that many loops do not come back in step. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #factor: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(options: {
    readonly initialMs: number;
    readonly maxMs: number;
    readonly factor: number;
    readonly random: () => number;
  }) {
    this.#initialMs = options.initialMs;
    this.#maxMs = options.maxMs;
    this.#factor = options.factor;
    this.#random = options.random;
    this.#nextMs = options.initialMs;
  }

  /** How long to wait before the next try, in milliseconds. */
  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(this.#maxMs, delayMs * this.#factor);
    return delayMs * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#nextMs = this.#initialMs;
  }
}
