// A server that says "not before" is taken at its word, whoever asks: what it said to one call holds for all calls of
// that flow, since API Priority and Fairness counts per user (after impersonation). Others are not concerned.
// - A short wait is waited for. A long one is an error at once that says how much of it is left, so that nobody sits on
//   a worker meanwhile.
// - Only answers close a gate, and only time opens it, measured by a clock that is never set.
import { PequodError } from '../errors.ts';
import { pause } from './abort.ts';
import { ApiError, type CallRoute } from './errors.ts';

/** What is asked for where a 429 does not say. */
const DEFAULT_WAIT_MS = 1_000;
/** From how many on gates that have opened are looked for, to forget them. */
const SWEEP_SIZE = 1_000;

interface Gate {
  readonly opensAtMs: number;
  readonly error: ApiError;
}

export class FlowGates {
  readonly #now: () => number;
  readonly #maxHoldMs: number;
  readonly #gates = new Map<string, Gate>();

  /**
   * @param maxHoldMs longest wait of a call; what the server wants to be longer fails at once
   * @param now milliseconds of a clock that is never set
   */
  constructor(maxHoldMs: number, now: () => number) {
    this.#maxHoldMs = maxHoldMs;
    this.#now = now;
  }

  /** Takes note of an error: a 429, or a 503 that says when to come back, closes the gate of its flow. */
  note(flow: string, error: unknown): void {
    const answer = answerOf(error);
    const waitMs = answer === undefined ? undefined : wishOf(answer);
    if (answer === undefined || waitMs === undefined) return;
    const opensAtMs = this.#now() + waitMs;
    if (opensAtMs <= (this.#gates.get(flow)?.opensAtMs ?? 0)) return;
    if (this.#gates.size >= SWEEP_SIZE) this.#sweep();
    this.#gates.set(flow, { opensAtMs, error: answer });
  }

  /** Gates that are remembered. */
  get size(): number {
    return this.#gates.size;
  }

  isOpen(flow: string): boolean {
    return this.#remainingMs(flow) === 0;
  }

  /** Whether {@link pass} would let a call through, now or after a wait. */
  opensSoon(flow: string): boolean {
    return this.#remainingMs(flow) <= this.#maxHoldMs;
  }

  /**
   * Resolves as soon as the gate is open.
   * @throws ApiError with the code of the answer that closed the gate, where it opens too late; the signal's reason
   */
  async pass(flow: string, route: CallRoute, signal: AbortSignal): Promise<void> {
    for (let waitMs = this.#remainingMs(flow); waitMs > 0; waitMs = this.#remainingMs(flow)) {
      const gate = this.#gates.get(flow);
      if (waitMs > this.#maxHoldMs && gate !== undefined) throw notSent(gate.error, route, waitMs);
      await pause(Math.ceil(waitMs), signal).done;
      signal.throwIfAborted();
    }
  }

  #remainingMs(flow: string): number {
    const gate = this.#gates.get(flow);
    if (gate === undefined) return 0;
    const remainingMs = gate.opensAtMs - this.#now();
    if (remainingMs > 0) return remainingMs;
    this.#gates.delete(flow);
    return 0;
  }

  #sweep(): void {
    const now = this.#now();
    for (const [flow, { opensAtMs }] of this.#gates) if (opensAtMs <= now) this.#gates.delete(flow);
  }
}

/** The server's answer in an error, which may be the cause of what it was made into. */
function answerOf(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  return error instanceof PequodError ? answerOf(error.cause) : undefined;
}

function wishOf({ statusCode, retryAfterMs }: ApiError): number | undefined {
  if (statusCode === 429) return retryAfterMs ?? DEFAULT_WAIT_MS;
  return statusCode === 503 ? retryAfterMs : undefined;
}

/** The answer that another call got, for one that was not made because of it. */
function notSent(answer: ApiError, route: CallRoute, waitMs: number): ApiError {
  const afterMs = Math.ceil(waitMs);
  const { code, reason, statusCode, statusReason, statusMessage, details, isJsonStatus } = answer;
  return new ApiError(
    // Without the time that is left: a status that says it would be written again and again.
    `${route.verb} ${route.resource}: not sent, the API server asked to wait (${statusCode})`,
    {
      code,
      reason,
      statusCode,
      statusReason,
      statusMessage,
      details,
      isJsonStatus,
      route,
      retryAfterMs: afterMs,
      retry: { afterMs },
    },
  );
}
