// When the operator has nothing left to do, by its own metrics.
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 200;
/** So many looks in a row that find nothing: between two passes of one Transform there may be a moment without any. */
const QUIET_LOOKS = 10;
const BUSY = /^pequod_queue_keys\{.*state="(?:high|low|working|aside)".*\} [1-9]/m;

/** @returns how long ago it was done when that was certain, in ms */
export async function untilQueuesAreEmpty(port: number, signal: AbortSignal): Promise<number> {
  let quietSinceMs = performance.now();
  for (let looks = 0; looks < QUIET_LOOKS; looks += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal });
    if (BUSY.test(await answer.text())) {
      looks = -1;
      quietSinceMs = performance.now();
    }
    await delay(POLL_MS, undefined, { signal });
  }
  return performance.now() - quietSinceMs;
}
