// Runs reconciles from a queue of keys. A key is reconciled by one worker at a time; what a reconcile returns or throws
// decides when it runs next (see `Result` and `Retry`); nothing that a reconcile does can end the controller.
// Only keys that this process owns are reconciled. A key that leaves is forgotten whole: when it comes back, it is to the
// controller as if the process had just started.
import { randomUUID } from 'node:crypto';
import type { NamespacedName } from '../api/index.ts';
import type { BackoffOptions } from '../backoff/index.ts';
import type { Logger } from '../observability/index.ts';
import { type Clock, systemClock } from './clock.ts';
import { ALWAYS_OPEN, type Gate } from './gate.ts';
import { scheduleResult, scheduleRetry } from './next-reconcile.ts';
import { type KeyFilter, OWNS_ALL, type Ownership } from './ownership.ts';
import { decodeKey, encodeKey } from './reconcile-key.ts';
import type { Result } from './result.ts';
import type { Runnable } from './runnable.ts';
import { RunningReconciles, timeoutError } from './running-reconciles.ts';
import type { Priority } from './waiting-keys.ts';
import { WorkQueue, type WorkQueueSize } from './workqueue.ts';

/** How long a reconcile may take before its signal is aborted. */
export const DEFAULT_RECONCILE_TIMEOUT_MS: number = 5 * 60_000;
/** How long `stop` waits for reconciles before it aborts them. */
export const DEFAULT_STOP_GRACE_MS = 25_000;
/** How long `stop` waits for aborted reconciles before it leaves them. */
const ABORTED_GRACE_MS = 5_000;
/** How long reconciles of keys that leave may go on before they are aborted. */
export const DEFAULT_LEAVE_GRACE_MS = 10_000;
/** How long a reconcile may wait for something before others get its place meanwhile. */
const ASIDE_AFTER_MS = 100;
/** Reconciles without a place, by the places that there are: what they hold has to fit into memory. */
const ASIDE_PER_PLACE = 10;

/** What a reconcile is given besides its key. */
export interface ReconcileContext {
  /** Aborted at the reconcile's deadline and when the controller has to go. Hand it to all that waits. */
  readonly signal: AbortSignal;
  /** Carries controller, namespace, name and reconcileID. */
  readonly log: Logger;
  /** Failures of this key in a row before this reconcile. */
  readonly attempt: number;
  /**
   * Waits for something that may take its time and that no watch tells of, such as a registry. If it does, others get
   * this reconcile's place meanwhile. The key stays this reconcile's alone, and its deadline goes on.
   */
  readonly aside: Aside;
}

/** @throws what `work` rejects with */
export type Aside = <T>(work: Promise<T>) => Promise<T>;

/** Brings the world of one key to what is wanted; see {@link Result} for what it may return. */
export type Reconcile = (key: NamespacedName, context: ReconcileContext) => Promise<Result>;

/** `aborted`: it threw while the controller was stopping, or its key was leaving. */
export type ReconcileOutcome = Result['type'] | 'error' | 'aborted';

/** One finished reconcile, for metrics. */
export interface ReconcileReport {
  readonly controller: string;
  readonly key: NamespacedName;
  readonly result: ReconcileOutcome;
  readonly durationMs: number;
  /** What was thrown. */
  readonly error?: unknown;
}

/** How a controller shares the keys with other processes. */
export interface OwnershipOptions {
  readonly of: Ownership;
  /** Every key that there is: those that have become this process's are enqueued. */
  readonly knownKeys: () => Iterable<NamespacedName>;
  /** Forgets all that is remembered of these keys. None of them is being reconciled. */
  readonly forget: (isLeaving: KeyFilter) => void;
  readonly leaveGraceMs?: number;
}

export interface ControllerOptions {
  readonly name: string;
  /** Keys reconciled at a time. */
  readonly concurrency: number;
  readonly reconcile: Reconcile;
  /**
   * The part of the workers that one namespace may have of those that the others leave it, so that one whose reconciles
   * take long holds up itself. Without it namespaces are not told apart.
   */
  readonly namespaceShare?: number;
  readonly log: Logger;
  /** Which keys are reconciled here; all without it. */
  readonly ownership?: OwnershipOptions;
  /** While it is closed no reconcile begins; those that run go on. Default: always open. */
  readonly gate?: Gate | undefined;
  readonly reconcileTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Called with each key that a worker takes: how long it waited for that. */
  readonly onTake?: (priority: Priority, waitedMs: number) => void;
  /** Called after each reconcile. What it throws is logged and otherwise ignored. */
  readonly onReconcile?: (report: ReconcileReport) => void;
}

/** Since the controller was made. */
export interface ControllerStats extends WorkQueueSize {
  readonly reconciles: number;
  readonly errors: number;
  /** Reconciles that run on past their deadline: they ignore their signal. */
  readonly overdue: number;
}

/** How far past its deadline a reconcile may be that ignores its signal, before only a restart helps. */
const OVERDUE_LIMIT_MS = 60_000;

/** A keyed reconcile loop. Keys may be enqueued before {@link Controller.start}. */
export class Controller implements Runnable {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #queue: WorkQueue;
  readonly #ownership: Ownership;
  readonly #running: RunningReconciles;
  readonly #gate: Gate;
  readonly #stopping = new AbortController();
  /** When a key was last taken, begun or ended. */
  #movedAt: number;
  #isAborting = false;
  #reconciles = 0;
  #errors = 0;
  #isStarted = false;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#timeoutMs = options.reconcileTimeoutMs ?? DEFAULT_RECONCILE_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
    this.#running = new RunningReconciles(this.#timeoutMs, this.#clock);
    this.#gate = options.gate ?? ALWAYS_OPEN;
    this.#movedAt = this.#clock.now();
    this.#random = options.random ?? Math.random;
    this.#queue = new WorkQueue({
      clock: this.#clock,
      random: this.#random,
      groupOf: options.namespaceShare === undefined ? undefined : (key) => decodeKey(key).namespace,
      share: options.namespaceShare,
      maxAside: options.concurrency * ASIDE_PER_PLACE,
      onTake: options.onTake,
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
    const { ownership } = options;
    this.#ownership = ownership?.of ?? OWNS_ALL;
    if (ownership === undefined) return;
    ownership.of.onGained((isGained) => {
      for (const key of ownership.knownKeys()) if (isGained(key)) this.enqueue(key, 'low');
    });
    ownership.of.onLeaving((isLeaving) => this.#leave(ownership, isLeaving));
  }

  /**
   * Reconciles the key soon, what has low priority after all that has not. Cheap and never throws, so that event handlers
   * may call it for each event.
   */
  enqueue(key: NamespacedName, priority?: Priority): void {
    this.#queue.add(encodeKey(key), priority);
  }

  /** Reconciles the key after `delayMs`, or earlier if something else asks for it. */
  enqueueAfter(key: NamespacedName, delayMs: number): void {
    this.#queue.addAfter(encodeKey(key), delayMs);
  }

  /** Starts the workers. A second call does nothing. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (let worker = 0; worker < this.#options.concurrency; worker += 1) void this.#work();
  }

  /**
   * Takes no further key, waits for what runs, and after `graceMs` aborts it. A reconcile that ignores its signal for
   * 5 s more is left behind.
   */
  async stop(graceMs: number = DEFAULT_STOP_GRACE_MS): Promise<void> {
    this.#stopping.abort(new Error('the controller is stopping'));
    const drained = this.#queue.shutdown();
    if (await this.#isOverWithin(drained, graceMs)) return;
    this.#isAborting = true;
    this.#running.abortAll('the controller is stopping');
    if (await this.#isOverWithin(drained, ABORTED_GRACE_MS)) return;
    this.#options.log.error(
      { controller: this.name, reconciles: this.#queue.size().processing },
      'left reconciles behind that ignore their signal',
    );
  }

  /** True while no key is ready or being reconciled. Keys that wait for a delay don't count. */
  isIdle(): boolean {
    return this.#queue.isIdle();
  }

  /** Resolves as soon as {@link isIdle} holds. @throws the signal's reason when it is aborted first. */
  waitUntilIdle(signal: AbortSignal): Promise<void> {
    return this.#queue.waitUntilIdle(signal);
  }

  stats(): ControllerStats {
    return {
      ...this.#queue.size(),
      reconciles: this.#reconciles,
      errors: this.#errors,
      overdue: this.#running.overdue,
    };
  }

  health(): string | undefined {
    const { overdue } = this.#running;
    return overdue === 0 ? undefined : `reconciles that run on past their deadline: ${overdue}`;
  }

  /** What only a restart heals, in one line; undefined where there is nothing of that kind. */
  deadlock(): string | undefined {
    const lost = this.#running.overdueBy(OVERDUE_LIMIT_MS);
    if (lost > 0) return `reconciles that ignore that their time is up: ${lost}`;
    const isStuck =
      this.#isStarted &&
      this.#gate.isOpen &&
      this.#queue.size().waiting > 0 &&
      this.#clock.now() - this.#movedAt > this.#timeoutMs + OVERDUE_LIMIT_MS;
    return isStuck ? 'keys wait, and none is taken' : undefined;
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      const isStopping = !this.#gate.isOpen && (await this.#isStoppedBeforeOpen());
      this.#movedAt = this.#clock.now();
      // What is not ours is dropped: gaining it enqueues it.
      if (!this.#ownership.owns(decodeKey(key))) this.#queue.forget(key);
      else if (!isStopping) await this.#reconcileOnce(key);
      this.#movedAt = this.#clock.now();
      this.#queue.done(key);
    }
  }

  /** Waits until the gate opens or the controller stops. @returns whether it was the latter */
  async #isStoppedBeforeOpen(): Promise<boolean> {
    const { signal } = this.#stopping;
    await this.#gate.opened(signal).catch(() => undefined);
    return signal.aborted;
  }

  /** Resolves when no key that leaves is being reconciled. One that ignores its signal holds it up for as long as it runs. */
  async #leave(
    { forget, leaveGraceMs = DEFAULT_LEAVE_GRACE_MS }: OwnershipOptions,
    isLeaving: KeyFilter,
  ): Promise<void> {
    this.#queue.remove((key) => isLeaving(decodeKey(key)));
    const leaving = this.#running.of(isLeaving);
    if (!(await this.#isOverWithin(leaving.ended, leaveGraceMs))) {
      leaving.abort('another replica takes over');
      await leaving.ended;
    }
    forget(isLeaving);
  }

  async #reconcileOnce(encoded: string): Promise<void> {
    const key = decodeKey(encoded);
    const log = this.#options.log.child({ controller: this.name, ...key, reconcileID: randomUUID() });
    const running = this.#running.begin(encoded, log);
    const startedAt = this.#clock.now();
    const report = (result: ReconcileOutcome, error?: unknown): void => {
      const durationMs = this.#clock.now() - startedAt;
      this.#report(
        { controller: this.name, key, result, durationMs, ...(error === undefined ? {} : { error }) },
        log,
      );
    };
    try {
      const attempt = this.#queue.attempts(encoded);
      const aside: Aside = (work) => this.#aside(encoded, work, running.signal);
      const result = await this.#options.reconcile(key, { signal: running.signal, log, attempt, aside });
      if (this.#ownership.owns(key)) scheduleResult(this.#queue, encoded, result);
      report(result.type);
    } catch (thrown) {
      const error = running.isOverdue ? timeoutError(this.#timeoutMs, thrown) : thrown;
      const isAborted = this.#isAborting || !this.#ownership.owns(key);
      if (!isAborted) scheduleRetry(this.#queue, encoded, error, log, this.#random);
      report(isAborted ? 'aborted' : 'error', error);
    } finally {
      running.end();
    }
  }

  async #aside<T>(encoded: string, work: Promise<T>, signal: AbortSignal): Promise<T> {
    const end = work.then(
      () => undefined,
      () => undefined,
    );
    if (await this.#isOverWithin(end, ASIDE_AFTER_MS)) return await work;
    if (!this.#queue.stepAside(encoded)) return await work;
    // Whoever has the place now; it goes when a key comes back.
    void this.#work();
    try {
      return await work;
    } finally {
      await this.#queue.comeBack(encoded, signal);
    }
  }

  #report(report: ReconcileReport, log: Logger): void {
    this.#reconciles += 1;
    if (report.result === 'error') this.#errors += 1;
    log.debug({ result: report.result, durationMs: report.durationMs }, 'reconciled');
    try {
      this.#options.onReconcile?.(report);
    } catch (error) {
      log.error({ err: error }, 'the reconcile hook failed');
    }
  }

  async #isOverWithin(work: Promise<void>, limitMs: number): Promise<boolean> {
    let cancel: (() => void) | undefined;
    const timeout = new Promise<false>((resolve) => {
      cancel = this.#clock.setTimer(limitMs, () => resolve(false));
    });
    try {
      return await Promise.race([work.then(() => true), timeout]);
    } finally {
      cancel?.();
    }
  }
}
