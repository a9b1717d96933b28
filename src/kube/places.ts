// How many calls may be in flight, for the process and for each flow in it. Pure.
// - A flow's signs of overload cut the flow's own limit. The limit of the process is cut only where several flows see
//   overload, and a fair share of all calls does: one tenant whose calls are refused, or wait for a slow webhook, costs
//   nobody else a place.
// - No flow takes the last places: each may have at most three times as many as it leaves free. A few flows whose calls
//   hang leave room for the others.
// - Some places are the operator's alone: statuses of all tenants are written through them.
import { LRUCache } from 'lru-cache';
import { AdaptiveLimit } from './adaptive-limit.ts';

/** Flow of calls with the operator's own identity. No user name is empty. */
export const OPERATOR_FLOW = '';

/** What a finished call says about the server. `unknown`: no connection came about, or the caller gave up. */
export type CallOutcome = 'answered' | 'overloaded' | 'unknown';

/** A flow may have this many times the places that it leaves free. */
const SHARE = 3;
/** One place in so many is the operator's. */
const RESERVED_PART = 8;
/**
 * What all share, and what the operator has of it, is not cut below this: else a call or two that hang would be all that
 * is under way. So few are no load.
 */
const MIN_SHARED = 8;
const MAX_CUT_FLOWS = 10_000;
const WINDOW_MS = 1_000;
/** One call in so many has to show overload for it to be the server's, and not that of some calls. */
const OVERLOADED_PART = 10;

/** What happened in the last second or so. */
interface Window {
  readonly startedAtMs: number;
  finished: number;
  overloaded: number;
  readonly flows: Set<string>;
}

export class Places {
  readonly #max: number;
  readonly #total: AdaptiveLimit;
  /** Of flows that saw overload and have not recovered since. */
  readonly #cut = new LRUCache<string, AdaptiveLimit>({ max: MAX_CUT_FLOWS });
  readonly #held = new Map<string, number>();
  #inFlight = 0;
  #window: Window = windowFrom(Number.NEGATIVE_INFINITY);

  constructor(max: number) {
    this.#max = max;
    this.#total = new AdaptiveLimit(max, MIN_SHARED);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get limit(): number {
    return this.#total.limit;
  }

  /** Flows that are held below what they could have. */
  get cutFlows(): number {
    return this.#cut.size;
  }

  mayTake(flow: string): boolean {
    const reserved = flow === OPERATOR_FLOW ? 0 : Math.floor(this.limit / RESERVED_PART);
    const free = this.limit - reserved - this.#inFlight;
    const held = this.#heldBy(flow);
    return free > 0 && held < SHARE * free && held < (this.#cut.get(flow)?.limit ?? this.#max);
  }

  take(flow: string): void {
    this.#inFlight += 1;
    this.#held.set(flow, this.#heldBy(flow) + 1);
  }

  giveBack(flow: string, outcome: CallOutcome, nowMs: number): void {
    if (outcome === 'answered') this.#answered(flow, nowMs);
    if (outcome === 'overloaded') this.#overloaded(flow, nowMs);
    const held = this.#heldBy(flow) - 1;
    if (held === 0) this.#held.delete(flow);
    else this.#held.set(flow, held);
    this.#inFlight -= 1;
  }

  #answered(flow: string, nowMs: number): void {
    this.#windowAt(nowMs).finished += 1;
    this.#total.succeeded();
    const own = this.#cut.get(flow);
    own?.succeeded();
    if (own?.isAtMax === true) this.#cut.delete(flow);
  }

  #overloaded(flow: string, nowMs: number): void {
    const min = flow === OPERATOR_FLOW ? MIN_SHARED : 1;
    const own = this.#cut.get(flow) ?? new AdaptiveLimit(this.#max, min);
    own.overloaded(this.#heldBy(flow), nowMs);
    this.#cut.set(flow, own);
    const window = this.#windowAt(nowMs);
    window.finished += 1;
    window.overloaded += 1;
    window.flows.add(flow);
    if (window.flows.size > 1 && window.overloaded * OVERLOADED_PART >= window.finished) {
      this.#total.overloaded(this.#inFlight, nowMs);
    }
  }

  #windowAt(nowMs: number): Window {
    if (nowMs - this.#window.startedAtMs >= WINDOW_MS) this.#window = windowFrom(nowMs);
    return this.#window;
  }

  #heldBy(flow: string): number {
    return this.#held.get(flow) ?? 0;
  }
}

function windowFrom(startedAtMs: number): Window {
  return { startedAtMs, finished: 0, overloaded: 0, flows: new Set() };
}
