// Whether the API server answers, found out once for all who call it. A call without an answer is followed by a look at
// `/readyz`; where that fails, too, the server counts as away, and only this goes on asking, soon and then every two
// seconds at most. When the server says that it is ready, all who wait are told at once: watches are opened again, and
// reconciles go on, without each of them having to find out by its own backoff. While all is well no call is made.
import { Backoff } from '../backoff/index.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import { pause, untilAborted } from './abort.ts';

export interface ReachabilityOptions {
  /** Asks the server whether it serves. Rejects where it does not. */
  readonly look: (signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** The server is away. */
export interface Outage {
  readonly sinceMs: number;
  /** What the last look met, in words. */
  readonly problem: string;
}

const LOOKS = { baseMs: 200, factor: 2, maxMs: 2_000, jitter: 0.5 } as const;
/** How often the log says that it is still waited for. */
const REMIND_MS = 60_000;

export class Reachability {
  readonly #options: ReachabilityOptions;
  readonly #stopping = new AbortController();
  readonly #backHandlers = new Set<() => void>();
  #outage: Outage | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: ReachabilityOptions) {
    this.#options = options;
  }

  /** Undefined while the server answers, as far as anybody has noticed. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** Whether there is any use in calling it. */
  get isOpen(): boolean {
    return this.#outage === undefined;
  }

  /** A call got no answer. Cheap, and may be said as often as it happens. */
  unanswered(): void {
    if (this.#stopping.signal.aborted) return;
    this.#looking ??= this.#lookUntilBack(this.#stopping.signal).finally(() => {
      this.#looking = undefined;
    });
  }

  /** Resolves once {@link isOpen} holds. @throws the signal's reason when it is aborted first. */
  async opened(signal: AbortSignal): Promise<void> {
    while (this.#outage !== undefined && this.#looking !== undefined) {
      await untilAborted(this.#looking, signal);
    }
  }

  /** Calls `handler` each time when the server is back. @returns what ends it. */
  onBack(handler: () => void): () => void {
    this.#backHandlers.add(handler);
    return () => this.#backHandlers.delete(handler);
  }

  /** Looks no more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'));
    await this.#looking;
  }

  async #lookUntilBack(signal: AbortSignal): Promise<void> {
    const { log, now, random } = this.#options;
    const backoff = new Backoff(LOOKS, random);
    let saidAtMs = now();
    for (;;) {
      const problem = await this.#look(signal);
      if (problem === undefined || signal.aborted) break;
      const sinceMs = this.#outage?.sinceMs ?? now();
      const isNews = this.#outage === undefined;
      this.#outage = { sinceMs, problem };
      if (isNews || now() - saidAtMs >= REMIND_MS) {
        saidAtMs = now();
        log.warn(
          { problem, seconds: seconds(now() - sinceMs) },
          'the API server does not answer, waiting for it',
        );
      }
      await pause(backoff.next(), signal).done;
    }
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage === undefined || signal.aborted) return;
    log.info({ seconds: seconds(now() - outage.sinceMs) }, 'the API server answers again');
    for (const handler of this.#backHandlers) this.#tell(handler);
  }

  async #look(signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.#options.look(signal);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #tell(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      this.#options.log.error({ err: error }, 'handler of a server that is back failed');
    }
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
