// The operator's end of one watch: passes frames on, one by one, until its fault begins.
import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { assertNever } from '../../../src/errors.ts';
import { type Frame, framesOf } from './frames.ts';
import { errorFrame } from './status.ts';
import type { SeenCall, WatchFault } from './types.ts';

type Mode = 'open' | 'silent' | 'next-is-cut' | 'ended';

export class WatchStream {
  readonly #call: SeenCall;
  readonly #response: ServerResponse;
  readonly #fault: WatchFault | undefined;
  readonly #left: AbortController = new AbortController();
  #mode: Mode = 'open';
  #isListing: boolean;
  /** Events since the initial list, also those that were left out. */
  #seen = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(call: SeenCall, response: ServerResponse, fault: WatchFault | undefined) {
    this.#call = call;
    this.#response = response;
    this.#fault = fault;
    this.#isListing = new URLSearchParams(call.path.split('?')[1]).get('sendInitialEvents') === 'true';
    response.once('close', () => {
      clearTimeout(this.#timer);
      this.#left.abort();
    });
  }

  /** Fires when the API server's end is of no use any more: the operator has left, or is to hear nothing more. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Says to the operator that the watch is open. */
  begin(status: number, headers: IncomingHttpHeaders): void {
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
    const fault = this.#fault;
    if (fault?.type === 'end-stream' && fault.afterMs !== undefined) {
      this.#timer = setTimeout(() => this.#strike(), fault.afterMs);
    } else if (fault !== undefined && fault.afterEvents === undefined) this.#strike();
    else this.#strikeWhenDue();
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
      if (!this.#left.signal.aborted) this.#response.destroy();
      if (!this.#left.signal.aborted) throw error;
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
    if (isChange) this.#seen += 1;
    if (!isChange || !this.#isLeftOut()) {
      await this.#send(frame.bytes);
      if (isChange) this.#call.changes += 1;
    }
    if (frame.kind === 'list-end') this.#isListing = false;
    this.#strikeWhenDue();
  }

  #isLeftOut(): boolean {
    const fault = this.#fault;
    if (fault?.type !== 'drop-events') return false;
    const { afterEvents = 0, count } = fault;
    return this.#seen > afterEvents && this.#seen <= afterEvents + count;
  }

  #strikeWhenDue(): void {
    const due = this.#fault?.afterEvents;
    if (this.#mode === 'open' && !this.#isListing && due !== undefined && this.#seen >= due) this.#strike();
  }

  #strike(): void {
    const fault = this.#fault;
    if (fault === undefined || this.#mode !== 'open') return;
    switch (fault.type) {
      case 'drop-events':
        return;
      case 'stall':
        this.fallSilent();
        return;
      case 'error-frame':
        this.#response.write(errorFrame(fault.status, this.#call));
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
    await Promise.race([once(this.#response, 'drain'), once(this.#response, 'close')]);
  }
}
