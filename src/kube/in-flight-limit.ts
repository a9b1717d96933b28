// Who may call now, and who waits: `Places` says how many, `FairLine` whose turn it is. A waiter that is aborted leaves
// the line at once, which the usual limiters of promises can't do.
import { FairLine } from './fair-line.ts';
import { type CallOutcome, Places } from './places.ts';

/** A place that is held until {@link Place.giveBack}, which counts once. */
export interface Place {
  giveBack(outcome: CallOutcome): void;
}

/** Short calls of this process. */
export interface ApiLoad {
  readonly inFlight: number;
  /** Waiting for a place. */
  readonly waiting: number;
  /** How many may be in flight now. */
  readonly limit: number;
}

export class InFlightLimit {
  readonly #places: Places;
  readonly #now: () => number;
  readonly #line = new FairLine<() => void>();

  /** @param now milliseconds of a clock that is never set */
  constructor(max: number, now: () => number) {
    this.#places = new Places(max);
    this.#now = now;
  }

  get load(): ApiLoad {
    const { inFlight, limit } = this.#places;
    return { inFlight, limit, waiting: this.#line.size };
  }

  /** Resolves when the flow may call; rejects with the signal's reason. */
  async acquire(flow: string, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    if (!this.#line.has(flow) && this.#places.mayTake(flow)) this.#places.take(flow);
    else await this.#turn(flow, signal);
    let isHeld = true;
    return {
      giveBack: (outcome) => {
        if (!isHeld) return;
        isHeld = false;
        this.#places.giveBack(flow, outcome, this.#now());
        this.#admit();
      },
    };
  }

  #turn(flow: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#line.remove(flow, enter);
        reject(signal.reason);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      this.#line.add(flow, enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Lets in as many as there is room for: places are taken before anybody's code runs. */
  #admit(): void {
    for (;;) {
      const next = this.#line.take((flow) => this.#places.mayTake(flow));
      if (next === undefined) return;
      this.#places.take(next.flow);
      next.waiter();
    }
  }
}
