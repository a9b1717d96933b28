// Watches on their way through: as they are, with a fault of their own, or silent while the view is frozen.
import type { Dispatcher } from 'undici';
import type { Exchange } from './exchange.ts';
import type { FrozenView } from './frozen-view.ts';
import { Strike } from './strike.ts';
import type { SeenCall, WaitingStrike, WatchFault } from './types.ts';
import type { Upstream, WholeAnswer } from './upstream.ts';
import { WatchStream } from './watch-stream.ts';

/** A watch at the API server's side. */
export interface OpenWatch {
  readonly status: number;
  readonly headers: WholeAnswer['headers'];
  readonly body: Dispatcher.ResponseData['body'];
  leave(): void;
}

export class WatchTraffic {
  readonly #upstream: Upstream;
  readonly #view: () => FrozenView | undefined;
  readonly #streams: Set<WatchStream> = new Set();
  readonly #strikes: Set<Strike> = new Set();
  readonly #handlers: Set<(watch: SeenCall) => void> = new Set();

  constructor(upstream: Upstream, view: () => FrozenView | undefined) {
    this.#upstream = upstream;
    this.#view = view;
  }

  /** Carries a watch until it ends. */
  async pass(exchange: Exchange, fault: WatchFault | undefined): Promise<void> {
    const stream = this.#streamOf(exchange, fault);
    const view = this.#view();
    this.#streams.add(stream);
    try {
      if (view === undefined) await this.#carry(exchange, stream);
      else await this.#show(exchange, stream, view);
    } catch (error) {
      // Ours to end, and ended.
      if (!stream.left.aborted) throw error;
    } finally {
      this.#streams.delete(stream);
    }
  }

  /** Passes so many bytes of the stream on, then hangs up. */
  async cut(exchange: Exchange, bytes: number): Promise<void> {
    const { response } = exchange;
    const watch = await this.open(exchange);
    response.once('close', () => watch.leave());
    exchange.noteDelivered(watch.status);
    response.writeHead(watch.status, watch.headers);
    response.flushHeaders();
    let left = bytes;
    try {
      if (left > 0) {
        for await (const chunk of watch.body) {
          response.write(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) break;
        }
      }
    } finally {
      response.socket?.end();
      watch.leave();
    }
  }

  /** Opens the watch at the API server. */
  async open(exchange: Exchange, signal?: AbortSignal): Promise<OpenWatch> {
    const leaving = new AbortController();
    const signals = signal === undefined ? leaving.signal : AbortSignal.any([leaving.signal, signal]);
    const answer = await this.#upstream.open(exchange.request, signals);
    // Leaving breaks the body, which nobody may be reading.
    answer.body.on('error', () => undefined);
    exchange.noteLanded(answer.status);
    return { ...answer, leave: () => leaving.abort() };
  }

  /** Lets all that are open say nothing more until the thaw. */
  silence(view: FrozenView): void {
    for (const stream of this.#streams) view.silence(stream);
  }

  /** A fault that is put upon one of the watches that match. */
  strike(fault: WatchFault, matches: (watch: SeenCall) => boolean): WaitingStrike {
    const strike = new Strike(fault, matches);
    this.#strikes.add(strike);
    for (const stream of this.#streams) {
      if (strike.concerns(stream.call) && strike.struck === undefined) stream.meet(strike);
    }
    return {
      get struck() {
        return strike.struck;
      },
      whenStruck: strike.whenStruck,
      end: () => this.#strikes.delete(strike),
    };
  }

  onEvent(handler: (watch: SeenCall) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  #streamOf({ call, response }: Exchange, fault: WatchFault | undefined): WatchStream {
    const own = fault === undefined ? [] : [new Strike(fault)];
    return new WatchStream({
      call,
      response,
      strikes: () => [...own, ...[...this.#strikes].filter((strike) => strike.concerns(call))],
      onEvent: () => {
        for (const handler of this.#handlers) handler(call);
      },
    });
  }

  async #carry(exchange: Exchange, stream: WatchStream): Promise<void> {
    const watch = await this.open(exchange, stream.left);
    if (watch.status !== 200) {
      const body = Buffer.from(await watch.body.arrayBuffer());
      return exchange.deliver({ status: watch.status, headers: watch.headers, body });
    }
    exchange.noteDelivered(watch.status);
    stream.begin(watch.status, watch.headers);
    await stream.carry(watch.body);
  }

  async #show(exchange: Exchange, stream: WatchStream, view: FrozenView): Promise<void> {
    const answer = await view.beginningOf(exchange.call, exchange.request, this.#upstream);
    if ('status' in answer) {
      exchange.noteLanded(answer.status);
      return exchange.deliver(answer);
    }
    exchange.noteLanded(200);
    exchange.noteDelivered(200);
    stream.begin(200, { 'content-type': 'application/json' });
    for (const frame of answer) await stream.write(frame);
    view.silence(stream);
  }
}
