// The end of a replica whose work others wait for. The order is what makes it safe: no key is taken any more, what is
// being worked on gets a moment to end, then nothing more is written, what was written before has landed, and only then
// others may begin.
import type { NamespacedName } from '../api/index.ts';
import { type Clock, type KeyFilter, type Ownership, systemClock } from '../runtime/index.ts';
import type { WriteFence } from './fence.ts';

/** How long others wait for what is being worked on; what does not end meanwhile goes on with the next holder. */
const GRACE_MS = 500;

export interface HandOverOptions {
  readonly of: Ownership;
  readonly fence: WriteFence;
  /** Resolves when no write is under way. */
  readonly writesSettled: () => Promise<void>;
  /** Gives back what the keys were owned by. */
  readonly giveBack: () => Promise<void>;
  readonly clock?: Clock;
}

/** What a process owns until it hands it over. */
export class HandOver implements Ownership {
  readonly #options: HandOverOptions;
  readonly #handlers = new Set<(isLeaving: KeyFilter) => Promise<void>>();
  #done: Promise<void> | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  owns(key: NamespacedName): boolean {
    return this.#done === undefined && this.#options.of.owns(key);
  }

  onGained(handler: (isGained: KeyFilter) => void): () => void {
    return this.#options.of.onGained(handler);
  }

  onLeaving(handler: (isLeaving: KeyFilter) => Promise<void>): () => void {
    this.#handlers.add(handler);
    const end = this.#options.of.onLeaving(handler);
    return () => {
      this.#handlers.delete(handler);
      end();
    };
  }

  /** Resolves when others can begin. May be called again. */
  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    const { fence, writesSettled, giveBack, clock = systemClock } = this.#options;
    // The flag that `owns` reads is set once this function has returned to its caller.
    await Promise.resolve();
    const ended = Promise.all([...this.#handlers].map((handler) => handler(() => true)));
    const grace = Promise.withResolvers<void>();
    const cancel = clock.setTimer(GRACE_MS, grace.resolve);
    await Promise.race([ended, grace.promise]);
    cancel();
    fence.close();
    await writesSettled();
    await giveBack();
  }
}
