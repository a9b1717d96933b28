import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** Tries again until it succeeds; what the last try threw where it never does. */
export async function eventually<T>(attempt: () => Promise<T> | T, timeoutMs: number = 30_000): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await delay(POLL_MS);
    }
  }
}
