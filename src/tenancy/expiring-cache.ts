// Answers that hold for a while. A question that is under way is asked once for all who wait; it goes on when one of
// them gives up. Failures are not kept.
import { LRUCache } from 'lru-cache';

interface Entry<T> {
  readonly askedAtMs: number;
  readonly answer: Promise<T>;
}

export interface ExpiringCacheOptions {
  readonly ttlMs: number;
  readonly maxEntries: number;
  readonly now: () => number;
}

/** Answers by key, each asked for at most once per `ttlMs`. */
export class ExpiringCache<T> {
  readonly #options: ExpiringCacheOptions;
  readonly #entries: LRUCache<string, Entry<T>>;

  constructor(options: ExpiringCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({ max: options.maxEntries });
  }

  /** @throws what `ask` threw, or the signal's reason when it is aborted first. */
  async get(key: string, ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const known = this.#entries.get(key);
    const isFresh = known !== undefined && this.#options.now() - known.askedAtMs < this.#options.ttlMs;
    return await unlessAborted(isFresh ? known.answer : this.#ask(key, ask), signal);
  }

  /** Drops all keys that start with `prefix`. */
  forget(prefix: string): void {
    for (const key of [...this.#entries.keys()]) {
      if (key.startsWith(prefix)) this.#entries.delete(key);
    }
  }

  #ask(key: string, ask: () => Promise<T>): Promise<T> {
    const entry: Entry<T> = { askedAtMs: this.#options.now(), answer: ask() };
    this.#entries.set(key, entry);
    entry.answer.catch(() => {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
    });
    return entry.answer;
  }
}

async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
