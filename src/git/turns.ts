/** A number of places; who finds none free waits for one, in order, until it has it or its signal ends the wait. */
export class Turns {
  readonly #count: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** Has a place when it returns, which has to be left. @throws the signal's reason */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < this.#count) {
      this.#taken++;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      reject(signal.reason);
    };
    const next = (): void => {
      signal.removeEventListener('abort', giveUp);
      this.#taken++;
      resolve();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.push(next);
    await promise;
  }

  leave(): void {
    this.#taken--;
    this.#waiting.shift()?.();
  }
}
