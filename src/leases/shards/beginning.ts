// What comes between having the Lease of a shard and working on it: a look whether replicas with another count of shards
// are at work, and watches that show what the last owner has left. What has come together begins together, since the looks
// cost the same for one and for many. What was had anew meanwhile begins anew: others may have worked on it.
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { Shard } from './shard.ts';

export interface BeginningOptions {
  readonly shards: readonly Shard[];
  /** False where replicas with another count of shards are at work, by a look that is made now. */
  readonly isAlone: (signal: AbortSignal) => Promise<boolean>;
  /** Resolves when what is known of these shards is as new as the moment at which it was called. */
  readonly refresh: (shards: readonly Shard[], signal: AbortSignal) => Promise<void>;
  /** These can be worked on: their Leases are held, and have been since before the looks. */
  readonly begin: (shards: readonly Shard[]) => void;
  /** These have to wait for replicas with another count. */
  readonly putBack: (shard: Shard) => void;
  /** How long what is had waits for more that comes at the same time; 0 where there is no more. */
  readonly gatherMs: number;
  readonly retryPeriodMs: number;
  readonly log: Logger;
  readonly clock: Clock;
}

const MAX_GATHERS = 4;

export class Beginning {
  readonly #options: BeginningOptions;
  readonly #signal: AbortSignal;
  #isRunning = false;

  /** @param signal ends it, whatever it is at */
  constructor(options: BeginningOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** A shard is held. */
  held(): void {
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (!this.#signal.aborted) {
      await this.#gather();
      const batch = this.#held();
      if (batch.length === 0 || this.#signal.aborted) break;
      // A Lease in doubt is renewed or lost soon; meanwhile nothing is asked in vain.
      if (!(await this.#begin(batch))) await this.#pause(this.#options.retryPeriodMs);
    }
    this.#isRunning = false;
  }

  /** @returns whether the next ones can follow at once */
  async #begin(batch: readonly Shard[]): Promise<boolean> {
    const { begin, isAlone, log, putBack, refresh } = this.#options;
    const times = new Map(batch.map((shard) => [shard, shard.times]));
    const isSame = (shard: Shard): boolean => shard.state === 'held' && shard.times === times.get(shard);
    try {
      if (!(await isAlone(this.#signal))) {
        for (const shard of batch.filter(isSame)) putBack(shard);
        return true;
      }
      await refresh(batch, this.#signal);
    } catch (error) {
      if (!this.#signal.aborted) log.warn({ problem: messageOf(error) }, 'shards can not be begun');
      return false;
    }
    if (this.#signal.aborted) return false;
    const begun = batch.filter((shard) => isSame(shard) && shard.holder.isHeld);
    if (begun.length > 0) begin(begun);
    return begun.length > 0;
  }

  /** What a replica gives up comes one by one: waits for a moment in which nothing comes, or a few. */
  async #gather(): Promise<void> {
    const { gatherMs } = this.#options;
    if (gatherMs === 0) return;
    for (let turn = 0, before = 0; turn < MAX_GATHERS && before < this.#held().length; turn += 1) {
      before = this.#held().length;
      await this.#pause(gatherMs);
    }
  }

  #held(): readonly Shard[] {
    return this.#options.shards.filter(({ state }) => state === 'held');
  }

  async #pause(delayMs: number): Promise<void> {
    if (this.#signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    this.#signal.addEventListener('abort', end, { once: true });
    const cancel = this.#options.clock.setTimer(delayMs, end);
    await promise;
    cancel();
    this.#signal.removeEventListener('abort', end);
  }
}
