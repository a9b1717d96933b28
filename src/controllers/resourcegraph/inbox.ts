/** Messages for one reader, in order. */
export class Inbox<T> {
  readonly #messages: T[] = [];
  #wake: (() => void) | undefined;

  put(message: T): void {
    this.#messages.push(message);
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The next message, as soon as there is one. */
  async next(): Promise<T> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
