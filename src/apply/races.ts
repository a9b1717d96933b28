// Races for one object: somebody else writes between our look at it and the write that relies on the look. A controller
// at work on a fresh object, e.g. a Deployment that comes up on a slow node, writes a dozen times within a second. So a
// lost race is run again, each time after a longer pause, and for longer than such a burst lasts.
import { pause } from '../kube/index.ts';

/** How often a race may be lost before the node is put off. */
const MAX_LOST = 8;
/** The first race is run again at once; the pauses after that add up to 1.3 s. */
const FIRST_PAUSE_MS = 20;

/** The races for one object in one request. */
export class Races {
  #lost = 0;

  /**
   * Waits until it may be tried again.
   * @param error what the loser was told
   * @throws `error` where the race was lost too often; the signal's reason
   */
  async lost(error: unknown, signal: AbortSignal): Promise<void> {
    this.#lost += 1;
    if (this.#lost >= MAX_LOST) throw error;
    if (this.#lost > 1) await pause(FIRST_PAUSE_MS * 2 ** (this.#lost - 2), signal).done;
    signal.throwIfAborted();
  }
}
