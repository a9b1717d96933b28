// The reconciles of a controller that run, each with its deadline. One that ignores that its time is up is overdue, and is
// counted until it ends.
import type { NamespacedName } from '../api/index.ts';
import { PequodError } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import type { Clock } from './clock.ts';
import type { KeyFilter } from './ownership.ts';
import { decodeKey } from './reconcile-key.ts';

/** A reconcile that has begun. */
export interface RunningReconcile {
  /** Aborted at the deadline, and by {@link RunningReconciles.abortAll}. */
  readonly signal: AbortSignal;
  readonly isOverdue: boolean;
  /** It is over. */
  end(): void;
}

interface Entry {
  readonly key: NamespacedName;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

export class RunningReconciles {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Those past their deadline, and since when. */
  readonly #overdue = new Map<string, number>();

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** How many are past their deadline. */
  get overdue(): number {
    return this.#overdue.size;
  }

  /** How many are past their deadline by more than this. */
  overdueBy(limitMs: number): number {
    const now = this.#clock.now();
    return [...this.#overdue.values()].filter((since) => now - since > limitMs).length;
  }

  begin(encoded: string, log: Logger): RunningReconcile {
    const overdue = this.#overdue;
    const abort = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#entries.set(encoded, { key: decodeKey(encoded), abort, ended });
    const cancel = this.#clock.setTimer(this.#timeoutMs, () => {
      overdue.set(encoded, this.#clock.now());
      log.warn({ timeoutMs: this.#timeoutMs }, 'reconcile passed its deadline');
      abort.abort(timeoutError(this.#timeoutMs));
    });
    return {
      signal: abort.signal,
      get isOverdue() {
        return overdue.has(encoded);
      },
      end: () => {
        cancel();
        this.#entries.delete(encoded);
        overdue.delete(encoded);
        resolve();
      },
    };
  }

  /** Aborts those that run now. */
  abortAll(why: string): void {
    for (const { abort } of this.#entries.values()) abort.abort(new Error(why));
  }

  /** Those of these keys that run now: how to wait for their end, and to hasten it. */
  of(isMeant: KeyFilter): { readonly ended: Promise<void>; abort(why: string): void } {
    const meant = [...this.#entries.values()].filter(({ key }) => isMeant(key));
    return {
      ended: Promise.all(meant.map(({ ended }) => ended)).then(() => undefined),
      abort: (why) => {
        for (const { abort } of meant) abort.abort(new Error(why));
      },
    };
  }
}

/** @param cause what a reconcile threw after its deadline */
export function timeoutError(timeoutMs: number, cause?: unknown): PequodError {
  return new PequodError(`reconcile took longer than ${timeoutMs} ms`, {
    code: 'RECONCILE_TIMEOUT',
    reason: 'ReconcileTimeout',
    retry: 'backoff',
    cause,
  });
}
