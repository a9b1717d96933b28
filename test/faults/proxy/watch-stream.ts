// The operator's end of one watch: passes frames on, one by one, until a fault strikes.
import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { assertNever } from '../../../src/errors.ts';
import { type Frame, framesOf } from './frames.ts';
import { errorFrame } from './status.ts';
import type { Strike } from './strike.ts';
import type { SeenCall, WatchFault } from './types.ts';

type Mode = 'unopened' | 'open' | 'silent' | 'next-is-cut' | 'ended';

export interface WatchStreamOptions {
  readonly call: SeenCall;
  readonly response: ServerResponse;
  /** The strikes that concern this watch, at any time. */
  readonly strikes: () => readonly Strike[];
  /** Called with each event after the initial list that went through. */
  readonly onEvent: () => void;
}

export class WatchStream {
  readonly call: SeenCall;
  readonly #options: WatchStreamOptions;
  readonly #response: ServerResponse;
  readonly #left: AbortController = new AbortController();
  readonly #timers: Set<NodeJS.Timeout> = new Set();
  #mode: Mode = 'unopened';
  #isListing: boolean;

  constructor(options: WatchStreamOptions) {
    const { call, response } = options;
    this.call = call;
    this.#options = options;
    this.#response = response;
    this.#isListing = new URLSearchParams(call.path.split('?')[1]).get('sendInitialEvents') === 'true';
    response.once('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#left.abort();
    });
  }

  /** Fires when the API server's end is of no use any more: the operator has left, or is to hear nothing more. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Says to the operator that the watch is open. */
  begin(status: number, headers: IncomingHttpHeaders): void {
    if (this.#mode !== 'unopened') return;
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
    this.#mode = 'open';
    for (const strike of this.#options.strikes()) this.meet(strike);
  }

  /** Lets a strike take note of this stream, from now on. */
  meet(strike: Strike): void {
    if (this.#mode !== 'open') return;
    const { fault } = strike;
    if (fault.type === 'end-stream' && fault.afterMs !== undefined) {
      this.#timers.add(setTimeout(() => this.#suffer(strike), fault.afterMs));
    } else if (strike.isDue(this.#isListing)) this.#suffer(strike);
  }

  /** Passes on what comes until the API server ends the stream, or {@link left} fires. */
  async carry(body: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const frame of framesOf(body)) {
        if (this.#mode === 'open') await this.#take(frame);
        else if (this.#mode === 'next-is-cut') this.#endInside(frame.bytes);
        else break;
      }
    } catch (error) {
      if (this.#left.signal.aborted) return;
      this.#response.destroy();
      throw error;
    }
    if (this.#mode === 'open' || this.#mode === 'next-is-cut') this.end();
  }

  /** Writes a frame that the proxy made itself. */
  async write(text: string): Promise<void> {
    if (this.#mode === 'open') await this.#send(Buffer.from(text, 'utf8'));
  }

  /** From now on nothing more is said; the connection stays. */
  fallSilent(): void {
    if (this.#mode === 'ended') return;
    this.#mode = 'silent';
    this.#left.abort();
  }

  /** Ends the stream as a server does whose time is over. */
  end(): void {
    if (this.#mode === 'ended') return;
    this.#mode = 'ended';
    this.#response.end();
    this.#left.abort();
  }

  async #take(frame: Frame): Promise<void> {
    const isChange = frame.kind === 'event' && !this.#isListing;
    const strikes = this.#options.strikes();
    const isLeftOut = isChange && strikes.filter((strike) => strike.count(this.call)).length > 0;
    if (!isLeftOut) await this.#send(frame.bytes);
    if (isChange && !isLeftOut) {
      this.call.changes += 1;
      this.#options.onEvent();
    }
    if (frame.kind === 'list-end') this.#isListing = false;
    for (const strike of strikes) {
      if (this.#mode === 'open' && strike.isDue(this.#isListing)) this.#suffer(strike);
    }
  }

  #suffer(strike: Strike): void {
    if (this.#mode !== 'open') return;
    strike.strike(this.call);
    this.call.fault ??= strike.fault.type;
    this.#carryOut(strike.fault);
  }

  #carryOut(fault: WatchFault): void {
    switch (fault.type) {
      case 'drop-events':
        return;
      case 'stall':
        this.fallSilent();
        return;
      case 'error-frame':
        this.#response.write(errorFrame(fault.status, this.call));
        this.end();
        return;
      case 'end-stream':
        if (fault.isInsideFrame) this.#mode = 'next-is-cut';
        else this.end();
        return;
      default:
        assertNever(fault);
    }
  }

  #endInside(bytes: Buffer): void {
    this.#response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
    this.end();
  }

  async #send(bytes: Buffer): Promise<void> {
    if (this.#response.write(bytes) || this.#response.destroyed) return;
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      await Promise.race(['drain', 'close'].map((event) => once(this.#response, event, { signal })));
    } finally {
      // Takes the listener away that was not needed.
      waiting.abort();
    }
  }
}
