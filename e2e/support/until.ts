import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;
const DEADLINE_MS = 40_000;

/** What is waited for did not come; the message says what was there instead. */
export class WaitedInVain extends Error {}

/**
 * Looks again until `isDone` accepts what `look` gives, and returns that.
 * @throws WaitedInVain with what was last seen, when the deadline (default 40 s) passes first.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  isDone: (seen: T) => boolean,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const endsAtMs = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (isDone(seen)) return seen;
    if (performance.now() >= endsAtMs) {
      throw new WaitedInVain(
        `waited ${deadlineMs / 1000} s in vain: ${what}; last seen:\n${JSON.stringify(seen, undefined, 1)}`,
      );
    }
    await delay(POLL_MS);
  }
}
