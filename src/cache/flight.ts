// One call for many who wait. Each waiter leaves alone when its own signal is aborted; the call itself is aborted when
// nobody waits any more. Once it has ended or was given up, nobody can join: its owner is told so first.

/** Work that is done once for all who wait for it. `signal` is aborted when none of them does any more. */
export type Load<T> = (signal: AbortSignal) => Promise<T>;

interface Waiter<T> {
  readonly load: Load<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

export class Flight<T> {
  readonly #controller = new AbortController();
  readonly #waiters = new Set<Waiter<T>>();
  readonly #onEnd: () => void;
  #hasEnded = false;

  /** @param onEnd called once, before the waiters are told: the call has ended, or was given up by all. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Waits for the outcome. `load` is the call that is made where this waiter is the first one at the start. */
  join(load: Load<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
        if (this.#waiters.size === 0) this.#giveUp();
      };
      const stay = (): void => signal.removeEventListener('abort', leave);
      const waiter: Waiter<T> = {
        load,
        resolve: (value) => {
          stay();
          resolve(value);
        },
        reject: (reason) => {
          stay();
          reject(reason);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Makes the call of the one who waits longest. */
  async start(): Promise<void> {
    const [first] = this.#waiters;
    if (first === undefined) return;
    try {
      const value = await first.load(this.#controller.signal);
      this.#end();
      for (const waiter of this.#waiters) waiter.resolve(value);
    } catch (error) {
      this.#end();
      for (const waiter of this.#waiters) waiter.reject(error);
    }
    this.#waiters.clear();
  }

  #giveUp(): void {
    this.#end();
    this.#controller.abort(new DOMException('nobody waits for it any more', 'AbortError'));
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
  }
}

/** At most one call under way for each key. Outcomes are not kept. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** Calls under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** @throws what the call throws, to all who wait for it; the signal's reason, to its own waiter alone. */
  async join(key: string, load: Load<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const known = this.#flights.get(key);
    if (known !== undefined) return await known.join(load, signal);
    const flight: Flight<T> = new Flight(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    const outcome = flight.join(load, signal);
    void flight.start();
    return await outcome;
  }
}
