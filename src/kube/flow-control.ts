// The way of every request out of the process: the gate of its flow, then a place among the calls in flight, then once
// more where the answer allows it.
// - A flow is whom the server counts a call for: the impersonated user, or the operator.
// - The operator's Lease calls are a flow of their own with as many places as they want: they wait for nobody.
// - Streams take no place, but their way to the first byte obeys the gate.
// - Once more, within the call, and once only: what a server has refused unread (429), and reads that broke off. Whether
//   a write landed is unknown then, and what to do about it is for those to say who know what was written. Whatever else
//   fails is tried again by who called, with a backoff of its own.
import { PequodError } from '../errors.ts';
import { pause } from './abort.ts';
import type { ApiRequest } from './api-request.ts';
import { ApiError, TransportError } from './errors.ts';
import { FlowGates } from './flow-gates.ts';
import { type ApiLoad, InFlightLimit, type Place } from './in-flight-limit.ts';
import { type CallOutcome, OPERATOR_FLOW } from './places.ts';
import { isLeaseCall } from './write-gate.ts';

/** An answer that asks for fewer calls, for metrics. */
export interface Throttling {
  /** `timeout`: no answer came in time. */
  readonly by: '429' | '503' | '504' | 'timeout';
  readonly who: 'operator' | 'tenant';
}

export interface FlowControlOptions {
  readonly maxInFlight: number;
  readonly random: () => number;
  readonly onThrottled?: ((throttling: Throttling) => void) | undefined;
}

const MAX_TRIES = 2;
/** Longest wait within a call: the server's usual wish is a second. */
const MAX_HOLD_MS = 5_000;
/** A read that broke off is repeated after up to this long. */
const REPEAT_SPREAD_MS = 200;
/** No user name has a space. */
const LEASE_FLOW = 'operator leases';
const LOOK_FLOW = 'operator looks';
const OPERATOR_FLOWS: ReadonlySet<string> = new Set([OPERATOR_FLOW, LEASE_FLOW, LOOK_FLOW]);

export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #gates: FlowGates;
  readonly #limit: InFlightLimit;

  constructor(options: FlowControlOptions) {
    const now = (): number => performance.now();
    this.#options = options;
    this.#gates = new FlowGates(MAX_HOLD_MS, now);
    this.#limit = new InFlightLimit(options.maxInFlight, now);
  }

  get load(): ApiLoad {
    return this.#limit.load;
  }

  /** Makes a short call when its turn has come, at most twice. */
  async call<R>(request: ApiRequest, work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(request, work, signal);
      } catch (error) {
        const delayMs = tries < MAX_TRIES ? this.#delayOf(request, error) : undefined;
        if (delayMs === undefined) throw error;
        await pause(delayMs, signal).done;
        signal.throwIfAborted();
      }
    }
  }

  /** Opens a stream when the gate of its flow is open. */
  async open<R>(request: ApiRequest, work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    return await this.#open(flowOf(request), request, work, signal);
  }

  /** The same for a look at whether the server is there at all: what it says to other calls does not hold for that. */
  async look<R>(request: ApiRequest, work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    return await this.#open(LOOK_FLOW, request, work, signal);
  }

  async #open<R>(flow: string, request: ApiRequest, work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    await this.#gates.pass(flow, request.route, signal);
    try {
      return await work();
    } catch (error) {
      this.#note(flow, error);
      throw error;
    }
  }

  async #once<R>(request: ApiRequest, work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    const flow = flowOf(request);
    const place = await this.#enter(flow, request, signal);
    let outcome: CallOutcome = 'answered';
    try {
      return await work();
    } catch (error) {
      outcome = outcomeOf(error);
      this.#note(flow, error);
      throw error;
    } finally {
      place?.giveBack(outcome);
    }
  }

  /** Through the gate, and to a place: behind an open gate, which may have closed while a place was waited for. */
  async #enter(flow: string, request: ApiRequest, signal: AbortSignal): Promise<Place | undefined> {
    for (;;) {
      await this.#gates.pass(flow, request.route, signal);
      if (flow === LEASE_FLOW) return undefined;
      const place = await this.#limit.acquire(flow, signal);
      if (this.#gates.isOpen(flow)) return place;
      place.giveBack('unknown');
    }
  }

  #note(flow: string, error: unknown): void {
    this.#gates.note(flow, error);
    const by = throttlingOf(error);
    const who = OPERATOR_FLOWS.has(flow) ? 'operator' : 'tenant';
    if (by !== undefined) this.#options.onThrottled?.({ by, who });
  }

  /** How long to wait before the same call is made once more; undefined where it is not. */
  #delayOf(request: ApiRequest, error: unknown): number | undefined {
    if (error instanceof ApiError) {
      return error.statusCode === 429 && this.#gates.opensSoon(flowOf(request)) ? 0 : undefined;
    }
    const isBroken =
      error instanceof TransportError && (error.kind === 'connection' || error.kind === 'badResponse');
    return isBroken && request.method === 'GET' ? this.#options.random() * REPEAT_SPREAD_MS : undefined;
  }
}

function flowOf(request: ApiRequest): string {
  return isLeaseCall(request) ? LEASE_FLOW : (request.identity?.username ?? OPERATOR_FLOW);
}

function throttlingOf(error: unknown): Throttling['by'] | undefined {
  if (error instanceof TransportError) return error.kind === 'timeout' ? 'timeout' : undefined;
  if (!(error instanceof ApiError)) return undefined;
  switch (error.statusCode) {
    case 429:
      return '429';
    case 503:
      return '503';
    case 504:
      return '504';
    default:
      return undefined;
  }
}

function outcomeOf(error: unknown): CallOutcome {
  if (throttlingOf(error) !== undefined) return 'overloaded';
  const isAnswer = error instanceof PequodError && (error.cause ?? error) instanceof ApiError;
  return isAnswer ? 'answered' : 'unknown';
}
