// How much is asked of a server that can be asked for too much, after the way in which TCP finds its rate. Pure.
// - What shows overload halves the limit, or rather what was under way: a limit that nobody reached was no cause.
// - Overload that shows within a second of a cut is about calls from before it, and cuts nothing more.
// - As many calls in a row without overload as may be in flight raise the limit by one, up to the maximum.

const CUT_INTERVAL_MS = 1_000;

export class AdaptiveLimit {
  readonly #max: number;
  readonly #min: number;
  #limit: number;
  #successes = 0;
  #cutAtMs = Number.NEGATIVE_INFINITY;

  /** @param min what it is never cut below; at most `max` counts */
  constructor(max: number, min = 1) {
    this.#max = max;
    this.#min = Math.min(min, max);
    this.#limit = max;
  }

  /** How many calls may be in flight now, from the minimum to the maximum. */
  get limit(): number {
    return this.#limit;
  }

  get isAtMax(): boolean {
    return this.#limit === this.#max;
  }

  /** A call came back without a sign of overload. */
  succeeded(): void {
    if (this.isAtMax) return;
    this.#successes += 1;
    if (this.#successes < this.#limit) return;
    this.#successes = 0;
    this.#limit += 1;
  }

  /** A call showed overload. @param inFlight calls under way then, that one included */
  overloaded(inFlight: number, nowMs: number): void {
    this.#successes = 0;
    if (nowMs - this.#cutAtMs < CUT_INTERVAL_MS) return;
    this.#cutAtMs = nowMs;
    this.#limit = Math.max(this.#min, Math.floor(Math.min(this.#limit, inFlight) / 2));
  }
}
