/** Takes exact numbers of bytes out of chunks of any size. Holds no more than what was asked for and one chunk. */
export class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** That many bytes, in memory of their own; fewer where the input ends before. */
  async take(length: number): Promise<Uint8Array> {
    const taken = new Uint8Array(length);
    let filled = 0;
    while (filled < length && (await this.#fill())) {
      const part = this.#rest.subarray(0, length - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return filled === length ? taken : taken.slice(0, filled);
  }

  /** What is left, chunk by chunk. */
  async *remaining(): AsyncGenerator<Uint8Array> {
    while (await this.#fill()) {
      yield this.#rest;
      this.#rest = new Uint8Array(0);
    }
  }

  /** Whether there is at least one byte more. */
  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }

  /** Lets the source of the chunks know that no more are wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
