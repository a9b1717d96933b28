// Runs reconciles from a queue of keys. A key is reconciled by one worker at a time; what a reconcile returns or throws
// decides when it runs next (see `Result` and `Retry`); nothing that a reconcile does can end the controller.
import { randomUUID } from 'node:crypto';
import type { NamespacedName } from '../api/index.ts';
import { type BackoffOptions, withJitter } from '../backoff/index.ts';
import { assertNever, messageOf, PequodError } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Result } from './result.ts';
import type { Runnable } from './runnable.ts';
import { WorkQueue, type WorkQueueSize } from './workqueue.ts';

/** How long a reconcile may take before its signal is aborted. */
export const DEFAULT_RECONCILE_TIMEOUT_MS: number = 5 * 60_000;
/** How long `stop` waits for reconciles before it aborts them. */
export const DEFAULT_STOP_GRACE_MS = 25_000;
/** How long `stop` waits for aborted reconciles before it leaves them. */
const ABORTED_GRACE_MS = 5_000;
const RETRY_JITTER = 0.1;

/** What a reconcile is given besides its key. */
export interface ReconcileContext {
  /** Aborted at the reconcile's deadline and when the controller has to go. Hand it to all that waits. */
  readonly signal: AbortSignal;
  /** Carries controller, namespace, name and reconcileID. */
  readonly log: Logger;
  /** Failures of this key in a row before this reconcile. */
  readonly attempt: number;
}

/** Brings the world of one key to what is wanted; see {@link Result} for what it may return. */
export type Reconcile = (key: NamespacedName, context: ReconcileContext) => Promise<Result>;

/** `aborted`: it threw while the controller was stopping. */
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

export interface ControllerOptions {
  readonly name: string;
  /** Keys reconciled at a time. */
  readonly concurrency: number;
  readonly reconcile: Reconcile;
  /** Whether namespaces share the workers, so that one whose reconciles take long holds up itself. */
  readonly isFair?: boolean;
  readonly log: Logger;
  readonly reconcileTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
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

/** A keyed reconcile loop. Keys may be enqueued before {@link Controller.start}. */
export class Controller implements Runnable {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #queue: WorkQueue;
  /** What is being reconciled, by key. */
  readonly #running = new Map<string, AbortController>();
  readonly #overdue = new Set<string>();
  #isAborting = false;
  #reconciles = 0;
  #errors = 0;
  #isStarted = false;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#timeoutMs = options.reconcileTimeoutMs ?? DEFAULT_RECONCILE_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#queue = new WorkQueue({
      clock: this.#clock,
      random: this.#random,
      groupOf: options.isFair === true ? (key) => decodeKey(key).namespace : undefined,
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
  }

  /** Reconciles the key soon. Cheap and never throws, so that event handlers may call it for each event. */
  enqueue(key: NamespacedName): void {
    this.#queue.add(encodeKey(key));
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
    const drained = this.#queue.shutdown();
    if (await this.#isOverWithin(drained, graceMs)) return;
    this.#isAborting = true;
    for (const running of this.#running.values()) running.abort(new Error('the controller is stopping'));
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
      overdue: this.#overdue.size,
    };
  }

  health(): string | undefined {
    const [first] = this.#overdue;
    return first === undefined ? undefined : `reconcile of ${first} runs on past its deadline`;
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      await this.#reconcileOnce(key);
      this.#queue.done(key);
    }
  }

  async #reconcileOnce(encoded: string): Promise<void> {
    const key = decodeKey(encoded);
    const log = this.#options.log.child({ controller: this.name, ...key, reconcileID: randomUUID() });
    const deadline = this.#startDeadline(encoded, log);
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
      const result = await this.#options.reconcile(key, { signal: deadline.signal, log, attempt });
      this.#schedule(encoded, result);
      report(result.type);
    } catch (thrown) {
      const error = this.#overdue.has(encoded) ? timeoutError(this.#timeoutMs, thrown) : thrown;
      if (!this.#isAborting) this.#scheduleRetry(encoded, error, log);
      report(this.#isAborting ? 'aborted' : 'error', error);
    } finally {
      deadline.end();
    }
  }

  #startDeadline(encoded: string, log: Logger): { readonly signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    this.#running.set(encoded, controller);
    const cancel = this.#clock.setTimer(this.#timeoutMs, () => {
      this.#overdue.add(encoded);
      log.warn({ timeoutMs: this.#timeoutMs }, 'reconcile passed its deadline');
      controller.abort(timeoutError(this.#timeoutMs));
    });
    const end = (): void => {
      cancel();
      this.#running.delete(encoded);
      this.#overdue.delete(encoded);
    };
    return { signal: controller.signal, end };
  }

  #schedule(encoded: string, result: Result): void {
    switch (result.type) {
      case 'done':
        this.#queue.forget(encoded);
        return;
      case 'requeue':
        this.#queue.addRateLimited(encoded);
        return;
      case 'requeueAfter':
        this.#queue.forget(encoded);
        this.#queue.addAfter(encoded, result.ms);
        return;
      default:
        assertNever(result);
    }
  }

  #scheduleRetry(encoded: string, error: unknown, log: Logger): void {
    if (!(error instanceof PequodError)) {
      const retryInMs = this.#queue.addRateLimited(encoded);
      log.error({ err: error, retryInMs }, 'reconcile failed unexpectedly');
      return;
    }
    const fields = { code: error.code, reason: error.reason, error: messageOf(error) };
    if (error.retry === 'never') {
      this.#queue.forget(encoded);
      log.warn(fields, 'reconcile failed, waiting for a change');
    } else if (error.retry === 'backoff') {
      const retryInMs = this.#queue.addRateLimited(encoded);
      log.warn({ ...fields, retryInMs }, 'reconcile failed');
    } else {
      const retryInMs = withJitter(error.retry.afterMs, RETRY_JITTER, this.#random);
      this.#queue.forget(encoded);
      this.#queue.addAfter(encoded, retryInMs);
      log.info({ ...fields, retryInMs }, 'reconcile put off');
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

function encodeKey(key: NamespacedName): string {
  return `${key.namespace}/${key.name}`;
}

function decodeKey(encoded: string): NamespacedName {
  const slash = encoded.indexOf('/');
  return { namespace: encoded.slice(0, slash), name: encoded.slice(slash + 1) };
}

function timeoutError(timeoutMs: number, cause?: unknown): PequodError {
  return new PequodError(`reconcile took longer than ${timeoutMs} ms`, {
    code: 'RECONCILE_TIMEOUT',
    reason: 'ReconcileTimeout',
    retry: 'backoff',
    cause,
  });
}
