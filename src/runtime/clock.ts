/** Time as the runtime sees it, so that tests can own it. */
export interface Clock {
  /** Milliseconds that never go back. Only differences mean something. */
  now(): number;
  /** Calls back once after `delayMs`; the result cancels. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Longer timers fire at once in Node; whoever needs more arms again. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** The process's monotonic clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
