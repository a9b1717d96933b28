// Takes answers off a stream that stays open. Where an answer ends is found in its framing, chunk by chunk, without putting
// together what has arrived so far.
import { SourceError } from '../errors.ts';
import { checkLineCount, PktLineError } from './pkt-line.ts';
import { joined } from './session.ts';

const LENGTH_DIGITS = 4;
/** What is kept before anyone asks for it. */
const MAX_EARLY_BYTES = 1024 * 1024;

/** Finds the first flush in chunks of pkt-lines. */
class FlushFinder {
  #header = '';
  #left = 0;
  #lines = 0;

  /** Where the flush ends in this chunk; undefined where it is not in it. @throws PktLineError */
  push(chunk: Buffer): number | undefined {
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#left, chunk.length - at);
      this.#left -= skipped;
      at += skipped;
      if (this.#left > 0 || at === chunk.length) return undefined;
      const digits = chunk.toString('latin1', at, at + LENGTH_DIGITS - this.#header.length);
      this.#header += digits;
      at += digits.length;
      if (this.#header.length < LENGTH_DIGITS) return undefined;
      if (!/^[0-9a-f]{4}$/i.test(this.#header))
        throw new PktLineError('the answer is not in the framing of git');
      this.#lines += 1;
      checkLineCount(this.#lines);
      const length = Number.parseInt(this.#header, 16);
      this.#header = '';
      if (length === 0) return at;
      this.#left = Math.max(0, length - LENGTH_DIGITS);
    }
    return undefined;
  }
}

/** How a stream ended, and what that means for whoever waits for more. */
export interface StreamEnd {
  readonly isClean: boolean;
  readonly error: unknown;
}

interface Reading {
  readonly finder: FlushFinder | undefined;
  readonly maxBytes: number;
  readonly chunks: Buffer[];
  size: number;
  readonly resolve: (answer: Buffer<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

/** One answer at a time. */
export class AnswerReader {
  readonly #place: string;
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #reading: Reading | undefined;
  /** Undefined while more may come. */
  #ending: StreamEnd | undefined;

  /** @param place the repository, for messages */
  constructor(place: string) {
    this.#place = place;
  }

  /** What there is so far of the answer that is waited for. */
  get size(): number {
    return this.#reading?.size ?? 0;
  }

  /** The next answer. @throws SourceError, PktLineError, and what {@link end} was called with */
  read(endsWith: 'close' | 'flush', maxBytes: number): Promise<Buffer<ArrayBuffer>> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer<ArrayBuffer>>();
    const finder = endsWith === 'flush' ? new FlushFinder() : undefined;
    this.#reading = { finder, maxBytes, chunks: [], size: 0, resolve, reject };
    this.#earlyBytes = 0;
    for (const chunk of this.#early.splice(0)) this.push(chunk);
    if (this.#ending !== undefined) this.end(this.#ending);
    return promise;
  }

  push(chunk: Buffer): void {
    const reading = this.#reading;
    if (reading === undefined) {
      this.#keep(chunk);
      return;
    }
    try {
      const end = reading.finder?.push(chunk);
      const taken = end === undefined ? chunk : chunk.subarray(0, end);
      reading.chunks.push(taken);
      reading.size += taken.length;
      if (reading.size > reading.maxBytes) throw this.#tooLarge(reading.maxBytes);
      if (end === undefined) return;
      this.#finish(reading);
      if (end < chunk.length) this.push(chunk.subarray(end));
    } catch (error) {
      this.#reading = undefined;
      reading.reject(error);
    }
  }

  /** No more will come. An answer that ends with the stream is whole by a clean end, every other one fails. */
  end(ending: StreamEnd): void {
    this.#ending ??= ending;
    const reading = this.#reading;
    if (reading === undefined) return;
    if (reading.finder === undefined && ending.isClean && reading.size > 0) this.#finish(reading);
    else {
      this.#reading = undefined;
      reading.reject(ending.error);
    }
  }

  #finish(reading: Reading): void {
    this.#reading = undefined;
    reading.resolve(joined(reading.chunks));
  }

  #keep(chunk: Buffer): void {
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes <= MAX_EARLY_BYTES) this.#early.push(chunk);
    else this.end({ isClean: false, error: this.#tooLarge(MAX_EARLY_BYTES) });
  }

  #tooLarge(maxBytes: number): SourceError {
    return new SourceError('SOURCE_TOO_LARGE', `${this.#place} sends an answer of over ${maxBytes} bytes`);
  }
}
