// How long a Lease is held, and by when it must have been renewed. Between the two lies the room for what this process
// can't know: that clocks run at different speeds, and that a write which has left needs a moment to arrive.

/** All in milliseconds. */
export interface LeaseTimings {
  /** How long others wait for the next sign of a holder before they take its Lease. Whole seconds. */
  readonly durationMs: number;
  /** How long after the last renewal its holder still works; it has given up before others may begin. */
  readonly renewDeadlineMs: number;
  /** Between two renewals, and between two tries of anything. */
  readonly retryPeriodMs: number;
}

/** What controllers of Kubernetes have. */
export const DEFAULT_LEASE_TIMINGS: LeaseTimings = {
  durationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};

const SECOND_MS = 1_000;
/** A renewal that fails has one more chance within the deadline, at least. */
const LEAST_TRIES = 2;

/** What is wrong with these timings; undefined where they fit together. */
export function timingsProblem(timings: LeaseTimings): string | undefined {
  const { durationMs, renewDeadlineMs, retryPeriodMs } = timings;
  if (durationMs < SECOND_MS || durationMs % SECOND_MS !== 0) {
    return 'the lease duration must be whole seconds, at least 1s';
  }
  if (renewDeadlineMs >= durationMs) {
    return 'the renew deadline must be shorter than the lease duration: a holder stops before others may begin';
  }
  if (retryPeriodMs <= 0 || retryPeriodMs * LEAST_TRIES > renewDeadlineMs) {
    return 'the retry period must be at most half of the renew deadline: one failed renewal must not lose the lease';
  }
  return undefined;
}
