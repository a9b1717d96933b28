// Whether one host is asked. What opens the circuit is the host's fault alone: that it does not answer, or says that it
// can't (SOURCE_UNAVAILABLE). An answer is an answer, whatever it says: 404, 401 and wrong content show that the host is
// there. What the caller ends himself, and what was never sent, tells nothing. So nobody can open it for others by
// asking for what is not there, with credentials that are none, or by giving up early. What takes too long does count:
// nobody can tell a slow transfer from a host in trouble. As one broken repository, or one huge artefact, must not look
// like a broken host, it takes failures of two askers in a row, or three times as many of one; and any answer to
// anybody ends the row.
//
// cockatiel holds the states; the times are ours, by the clock that is given. While the circuit is open, and while its
// one trial is under way, nobody waits: all others are told when to come back.
import {
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
  type IBreaker,
} from 'cockatiel';
import { askedDelayMs, messageOf, NotAskedError, SourceError } from '../errors.ts';
import type { CircuitState as StateName } from '../observability/index.ts';

const FAILURES_TO_OPEN = 5;
const FAILURES_OF_ONE_ASKER = 15;
const FIRST_OPEN_MS = 30_000;
const LONGEST_OPEN_MS = 5 * 60_000;
/** When to come back while the trial is under way. */
const TRIAL_MS = 5_000;

/** Of work that was not a success: what it says of the host. */
type Verdict = 'answer' | 'fault' | 'nothing';

/** Carries a failure through the breaker. */
class Unanswered extends Error {
  readonly isFault: boolean;
  readonly isTrial: boolean;

  constructor(cause: unknown, isFault: boolean, isTrial: boolean) {
    super('unanswered', { cause });
    this.isFault = isFault;
    this.isTrial = isTrial;
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export class Circuit {
  readonly #host: string;
  readonly #now: () => number;
  readonly #policy: CircuitBreakerPolicy;
  readonly #faults = new Faults();
  #openings = 0;
  #triedAgainAtMs = 0;
  #lastFailure: { readonly asker: string; readonly message: string } | undefined;

  constructor(host: string, now: () => number) {
    this.#host = host;
    this.#now = now;
    this.#policy = circuitBreaker(
      // A trial that tells nothing leaves the circuit open, and another one is due.
      handleWhen((error) => error instanceof Unanswered && (error.isFault || error.isTrial)),
      {
        breaker: this.#faults,
        halfOpenAfter: new DelegateBackoff(({ result }) => this.#opened('error' in result && result.error)),
      },
    );
    this.#policy.onReset(() => {
      this.#openings = 0;
    });
  }

  get state(): StateName {
    switch (this.#policy.state) {
      case CircuitState.Closed:
        return 'closed';
      case CircuitState.HalfOpen:
        return 'half-open';
      default:
        return 'open';
    }
  }

  /** Why the host is not asked now; undefined where it is. */
  refusal(asker: string): NotAskedError | undefined {
    const nowMs = this.#now();
    const isTrying = this.state === 'half-open';
    const waitMs = isTrying ? TRIAL_MS : this.#triedAgainAtMs - nowMs;
    // More than the longest time is left only where the clock went back.
    if (this.state === 'closed' || waitMs <= 0 || waitMs > LONGEST_OPEN_MS) return undefined;
    // What failed for somebody else may name what is his.
    const why =
      this.#lastFailure?.asker === asker
        ? `the last failure: ${this.#lastFailure.message}`
        : 'as others found';
    // No time: who is refused says so in a status, which is written when the words change.
    const message = `${this.#host} does not answer (${why}); it is tried again within ${LONGEST_OPEN_MS / 60_000} minutes`;
    return new NotAskedError(message, waitMs);
  }

  /**
   * Does the work, which {@link refusal} has nothing against, and learns from it.
   * @throws what `work` throws
   */
  async run<T>(asker: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const isTrial = this.state === 'open';
    let outcome: Outcome<T>;
    try {
      outcome = await this.#policy.execute(() => this.#judged(asker, work, signal, isTrial));
    } catch (error) {
      throw error instanceof Unanswered ? error.cause : error;
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async #judged<T>(
    asker: string,
    work: () => Promise<T>,
    signal: AbortSignal,
    isTrial: boolean,
  ): Promise<Outcome<T>> {
    try {
      return { value: await work() };
    } catch (error) {
      const verdict = signal.aborted ? 'nothing' : verdictOf(error);
      if (verdict === 'answer') return { error };
      if (verdict === 'fault') {
        this.#faults.add(asker);
        this.#lastFailure = { asker, message: messageOf(error, 256) };
      }
      throw new Unanswered(error, verdict === 'fault', isTrial);
    }
  }

  /** The circuit opens, or stays open after a trial. @returns what cockatiel's own clock has to wait: nothing. */
  #opened(failure: unknown): number {
    const isKnown = failure instanceof Unanswered && !failure.isFault;
    if (!isKnown) {
      const openMs = Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** this.#openings);
      this.#openings += 1;
      this.#triedAgainAtMs = this.#now() + openMs;
    }
    return Number.NEGATIVE_INFINITY;
  }
}

/** Failures in a row, and whose they are. */
class Faults implements IBreaker {
  state: undefined;
  readonly #askers = new Set<string>();
  #count = 0;

  add(asker: string): void {
    this.#count += 1;
    if (this.#askers.size < 2) this.#askers.add(asker);
  }

  success(): void {
    this.#count = 0;
    this.#askers.clear();
  }

  failure(): boolean {
    return this.#count >= (this.#askers.size > 1 ? FAILURES_TO_OPEN : FAILURES_OF_ONE_ASKER);
  }
}

function verdictOf(error: unknown): Verdict {
  if (!(error instanceof SourceError)) return 'nothing';
  switch (error.code) {
    case 'SOURCE_UNAVAILABLE':
      // One that says when to come back is taken at its word, see breakers.ts.
      return askedDelayMs(error.retry) === undefined ? 'fault' : 'nothing';
    case 'SOURCE_REFUSED':
      return 'nothing';
    default:
      return 'answer';
  }
}
