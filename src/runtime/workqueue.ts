// A queue of keys to work on. Two invariants hold at all times:
// - a key is handed to one taker at a time; an `add` meanwhile brings it back once, after `done`;
// - no add is lost: from `add` on, the key is waiting, or will be handed out again.
// Nothing about a key is kept once it is neither waiting, delayed nor worked on.
import { type BackoffOptions, DEFAULT_BACKOFF, exponentialBackoff } from '../backoff/index.ts';
import { type Clock, MAX_TIMER_MS, systemClock } from './clock.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { WaitingKeys } from './waiting-keys.ts';

export interface WorkQueueOptions {
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Groups of keys that share the takers fairly: see {@link WaitingKeys}. Without it the first key goes first. */
  readonly groupOf?: ((key: string) => string) | undefined;
}

/** How many keys are in which state. A key may be delayed and in another state at once. */
export interface WorkQueueSize {
  /** Ready to be taken. */
  readonly waiting: number;
  readonly processing: number;
  readonly delayed: number;
  /** Keys whose failures are being counted. */
  readonly failing: number;
}

/** A deduplicating queue of keys with delays and a backoff per key. */
export class WorkQueue {
  readonly #backoff: BackoffOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #waiting: WaitingKeys;
  readonly #processing = new Set<string>();
  /** Keys that were added while they were worked on. */
  readonly #again = new Set<string>();
  readonly #delayed = new DeadlineHeap();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #idleWaiters = new Set<() => void>();
  #timer: { readonly deadline: number; readonly cancel: () => void } | undefined;
  #isShutDown = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#waiting = new WaitingKeys(options.groupOf === undefined ? {} : { groupOf: options.groupOf });
  }

  /** Marks the key as needing work. Does nothing after {@link shutdown}. */
  add(key: string): void {
    if (this.#isShutDown) return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.add(key);
    const next = this.#waiting.take(this.#takers.length);
    if (next === undefined) return;
    this.#processing.add(next);
    this.#takers.shift()?.(next);
  }

  /** Adds the key after `delayMs`. Of several delays of one key the earliest end counts, and it adds once. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isShutDown) return;
    if (!(delayMs > 0)) {
      this.add(key);
      return;
    }
    this.#delayed.push(key, this.#clock.now() + delayMs);
    this.#arm();
  }

  /**
   * Counts a failure of the key and adds it after its backoff. Call it before {@link done}.
   * @returns the delay in milliseconds
   */
  addRateLimited(key: string): number {
    const failures = this.attempts(key) + 1;
    const delayMs = exponentialBackoff(this.#backoff, failures, this.#random);
    if (this.#isShutDown) return delayMs;
    this.#failures.set(key, failures);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** Starts the key's backoff over. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures in a row, as counted by {@link addRateLimited}. */
  attempts(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /**
   * Takes the next key. Each key taken must be handed back by {@link done}.
   * @returns undefined once the queue is shut down
   */
  take(): Promise<string | undefined> {
    if (this.#isShutDown) return Promise.resolve(undefined);
    const key = this.#waiting.take(this.#takers.length + 1);
    if (key !== undefined) {
      this.#processing.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Ends the work on a key that was taken. */
  done(key: string): void {
    if (!this.#processing.delete(key)) return;
    this.#waiting.done(key);
    if (this.#again.delete(key)) this.add(key);
    else if (!this.#delayed.has(key)) this.#failures.delete(key);
    this.#wakeIfIdle();
  }

  /** Takes out all keys that match, with their delays and failures. What is being worked on goes on, and does not return. */
  remove(isRemoved: (key: string) => boolean): void {
    this.#waiting.remove(isRemoved);
    this.#delayed.remove(isRemoved);
    for (const keys of [this.#again, this.#failures]) {
      for (const key of keys.keys()) if (isRemoved(key)) keys.delete(key);
    }
    this.#arm();
    this.#wakeIfIdle();
  }

  /** True while no key is ready or being worked on. Delayed keys don't count. */
  isIdle(): boolean {
    return this.#waiting.size === 0 && this.#processing.size === 0;
  }

  /** Resolves as soon as {@link isIdle} holds. @throws the signal's reason when it is aborted first. */
  async waitUntilIdle(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.isIdle()) return;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#idleWaiters.delete(wake);
        reject(signal.reason);
      };
      const wake = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#idleWaiters.add(wake);
    });
  }

  size(): WorkQueueSize {
    return {
      waiting: this.#waiting.size,
      processing: this.#processing.size,
      delayed: this.#delayed.size,
      failing: this.#failures.size,
    };
  }

  /**
   * Refuses everything new, drops what waits, and lets the takers go.
   * @returns when the last key that was taken is done
   */
  async shutdown(): Promise<void> {
    this.#isShutDown = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#delayed.clear();
    this.#failures.clear();
    this.#again.clear();
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    await this.waitUntilIdle(new AbortController().signal);
  }

  #wakeIfIdle(): void {
    if (!this.isIdle()) return;
    for (const wake of this.#idleWaiters) wake();
    this.#idleWaiters.clear();
  }

  #arm(): void {
    const deadline = this.#delayed.next;
    if (deadline === this.#timer?.deadline) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (deadline === undefined) return;
    const delayMs = Math.min(Math.max(0, deadline - this.#clock.now()), MAX_TIMER_MS);
    this.#timer = { deadline, cancel: this.#clock.setTimer(delayMs, () => this.#addDue()) };
  }

  #addDue(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (let key = this.#delayed.popDue(now); key !== undefined; key = this.#delayed.popDue(now))
      this.add(key);
    this.#arm();
  }
}
