// A queue of keys to work on. Two invariants hold at all times:
// - a key is handed to one taker at a time; an `add` meanwhile brings it back once, after `done`;
// - no add is lost: from `add` on, the key is waiting, or will be handed out again, with the highest priority that it was
//   added with.
// Nothing about a key is kept once it is neither waiting, delayed nor worked on.
import { type BackoffOptions, DEFAULT_BACKOFF, exponentialBackoff } from '../backoff/index.ts';
import { type Clock, MAX_TIMER_MS, systemClock } from './clock.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { type Priority, type TakenKey, WaitingKeys } from './waiting-keys.ts';

export interface WorkQueueOptions {
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Groups of keys that share the takers fairly: see {@link WaitingKeys}. Without it the first key goes first. */
  readonly groupOf?: ((key: string) => string) | undefined;
  /** The most of the places that one group may have: see {@link WaitingKeys}. */
  readonly share?: number | undefined;
  /** Keys that may be worked on without a place, see {@link WorkQueue.stepAside}. Default 0. */
  readonly maxAside?: number | undefined;
  /** Called with each key that is handed out. */
  readonly onTake?: ((priority: Priority, waitedMs: number) => void) | undefined;
}

/** How many keys are in which state. A key may be delayed and in another state at once. */
export interface WorkQueueSize {
  /** Ready to be taken. */
  readonly waiting: number;
  /** Of these, the ones of low priority. */
  readonly waitingLow: number;
  /** Handed out and not done, those that have stepped aside included. */
  readonly processing: number;
  readonly aside: number;
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
  readonly #maxAside: number;
  readonly #onTake: WorkQueueOptions['onTake'];
  /** Since when keys are ready. */
  readonly #readyAtMs = new Map<string, number>();
  /** With the priority that they were taken with. */
  readonly #processing = new Map<string, Priority>();
  /** Keys that are worked on without a place. */
  readonly #aside = new Set<string>();
  /** Those of them that want it back, first come first served. */
  readonly #returning: (() => void)[] = [];
  /** Keys that were added while they were worked on. */
  readonly #again = new Map<string, Priority>();
  readonly #delayed = new DeadlineHeap();
  readonly #delayedPriorities = new Map<string, Priority>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #idleWaiters = new Set<() => void>();
  #timer: { readonly deadline: number; readonly cancel: () => void } | undefined;
  #isShutDown = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#maxAside = options.maxAside ?? 0;
    this.#onTake = options.onTake;
    this.#waiting = new WaitingKeys({ groupOf: options.groupOf, share: options.share });
  }

  /** Marks the key as needing work. Does nothing after {@link shutdown}. */
  add(key: string, priority: Priority = 'high'): void {
    if (this.#isShutDown) return;
    if (this.#processing.has(key)) {
      this.#again.set(key, higher(this.#again.get(key), priority));
      return;
    }
    this.#waiting.add(key, priority);
    if (!this.#readyAtMs.has(key)) this.#readyAtMs.set(key, this.#clock.now());
    const next = this.#waiting.take(this.#takers.length);
    if (next === undefined) return;
    this.#hand(next);
    this.#takers.shift()?.(next.key);
  }

  /**
   * Adds the key after `delayMs`. Of several delays of one key the earliest end and the highest priority count, and it
   * adds once.
   */
  addAfter(key: string, delayMs: number, priority: Priority = 'high'): void {
    if (this.#isShutDown) return;
    if (!(delayMs > 0)) {
      this.add(key, priority);
      return;
    }
    this.#delayedPriorities.set(key, higher(this.#delayedPriorities.get(key), priority));
    this.#delayed.push(key, this.#clock.now() + delayMs);
    this.#arm();
  }

  /**
   * Counts a failure of the key and adds it after its backoff, with the priority that it was taken with. Call it before
   * {@link done}.
   * @param longestMs the delay never grows beyond this
   * @returns the delay in milliseconds
   */
  addRateLimited(key: string, longestMs: number = this.#backoff.maxMs): number {
    const failures = this.attempts(key) + 1;
    const maxMs = Math.min(longestMs, this.#backoff.maxMs);
    const delayMs = exponentialBackoff({ ...this.#backoff, maxMs }, failures, this.#random);
    if (this.#isShutDown) return delayMs;
    this.#failures.set(key, failures);
    this.addAfter(key, delayMs, this.priorityOf(key));
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

  /** What a key that is being worked on was taken with. */
  priorityOf(key: string): Priority {
    return this.#processing.get(key) ?? 'high';
  }

  /**
   * Takes the next key. Each key taken must be handed back by {@link done}. Whoever takes offers a place.
   * @returns undefined once the queue is shut down, or where the place went to a key that came back
   */
  take(): Promise<string | undefined> {
    if (this.#isShutDown) return Promise.resolve(undefined);
    const comeBack = this.#returning.shift();
    if (comeBack !== undefined) {
      comeBack();
      return Promise.resolve(undefined);
    }
    const next = this.#waiting.take(this.#takers.length + 1);
    if (next !== undefined) {
      this.#hand(next);
      return Promise.resolve(next.key);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /**
   * A key that was taken gives up its place: one more may {@link take}. It stays the only work on that key.
   * @returns false where it keeps its place: it has none, or too many others have stepped aside
   */
  stepAside(key: string): boolean {
    if (!this.#processing.has(key) || this.#aside.has(key) || this.#aside.size >= this.#maxAside)
      return false;
    this.#aside.add(key);
    this.#waiting.stepAside(key);
    return true;
  }

  /**
   * Waits for a place for a key that stepped aside; those that come back go before all others. Where the signal is
   * aborted, it is about to end and does not wait: the next place that is free makes up for it.
   */
  async comeBack(key: string, signal: AbortSignal): Promise<void> {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(undefined);
    else if (!this.#isShutDown) {
      await new Promise<void>((resolve) => {
        this.#returning.push(resolve);
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#aside.delete(key);
    this.#waiting.comeBack(key);
  }

  /** Ends the work on a key that was taken. */
  done(key: string): void {
    if (!this.#processing.delete(key)) return;
    this.#waiting.done(key);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again !== undefined) this.add(key, again);
    else if (!this.#delayed.has(key)) this.#failures.delete(key);
    this.#wakeIfIdle();
  }

  /** Takes out all keys that match, with their delays and failures. What is being worked on goes on, and does not return. */
  remove(isRemoved: (key: string) => boolean): void {
    this.#waiting.remove(isRemoved);
    this.#delayed.remove(isRemoved);
    for (const keys of [this.#again, this.#failures, this.#delayedPriorities, this.#readyAtMs]) {
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
      waitingLow: this.#waiting.sizeOf('low'),
      processing: this.#processing.size,
      aside: this.#aside.size,
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
    this.#delayedPriorities.clear();
    this.#failures.clear();
    this.#again.clear();
    this.#waiting.clear();
    this.#readyAtMs.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    for (const comeBack of this.#returning.splice(0)) comeBack();
    await this.waitUntilIdle(new AbortController().signal);
  }

  #wakeIfIdle(): void {
    if (!this.isIdle()) return;
    for (const wake of this.#idleWaiters) wake();
    this.#idleWaiters.clear();
  }

  #hand({ key, priority }: TakenKey): void {
    const nowMs = this.#clock.now();
    this.#onTake?.(priority, nowMs - (this.#readyAtMs.get(key) ?? nowMs));
    this.#readyAtMs.delete(key);
    this.#processing.set(key, priority);
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
    for (let key = this.#delayed.popDue(now); key !== undefined; key = this.#delayed.popDue(now)) {
      const priority = this.#delayedPriorities.get(key);
      this.#delayedPriorities.delete(key);
      this.add(key, priority);
    }
    this.#arm();
  }
}

function higher(a: Priority | undefined, b: Priority): Priority {
  return a === 'high' ? a : b;
}
