/** Aborts `signal` when the parent is aborted or the time is up, whichever is first. Must be disposed of. */
export class Deadline implements Disposable {
  readonly #controller: AbortController = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #isExpired = false;

  constructor(timeoutMs: number, parent: AbortSignal) {
    this.#parent = parent;
    this.#timer = setTimeout(() => {
      this.#isExpired = true;
      this.#controller.abort(new Error('deadline exceeded'));
    }, timeoutMs);
    if (parent.aborted) this.#follow();
    else parent.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** Stops the clock; the parent's abort is still followed. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => {
    this.#controller.abort(this.#parent.reason);
  };
}
