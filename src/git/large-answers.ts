// Packs are held in memory. Small ones come in as they are asked for; of those that turn out to be large, only a few do at
// the same time, and the others wait where they are. A server that sends much, slowly, holds up nobody's small module.
import { Turns } from './turns.ts';

/** From where on an answer is large. */
export const LARGE_BYTES: number = 8 * 1024 * 1024;

/** Lets large answers come in, a few at a time. */
export class LargeAnswers {
  readonly #turns: Turns;

  constructor(count: number) {
    this.#turns = new Turns(count);
  }

  /** For one fetch, whatever it asks. */
  share(signal: AbortSignal): LargeShare {
    return new LargeShare(this.#turns, signal);
  }
}

export class LargeShare {
  readonly #turns: Turns;
  readonly #signal: AbortSignal;
  #place: Promise<void> | undefined;

  constructor(turns: Turns, signal: AbortSignal) {
    this.#turns = turns;
    this.#signal = signal;
  }

  /** Returns when more than {@link LARGE_BYTES} may be taken in. @throws the signal's reason */
  async admit(): Promise<void> {
    this.#place ??= this.#turns.take(this.#signal);
    await this.#place;
  }

  /** Nothing is held any more. */
  end(): void {
    this.#place?.then(
      () => this.#turns.leave(),
      // It never had a place.
      () => undefined,
    );
  }
}
