// Whether a request may leave the process. A process that shares its work with others and has lost its part of it, or
// can't prove any more that it still has it, must store nothing: others work on it by now. Asked when the connection is
// there and the first byte is about to be written: a request may have waited for its socket while the process was stopped.
// - Reads, reviews and dry runs store nothing and always pass.
// - The operator's own Lease calls always pass: they are how the right to write is had, and the API server judges them by
//   resourceVersion. A Lease of a tenant's graph is an object like any other.
import type { Dispatcher } from 'undici';
import { PequodError } from '../errors.ts';
import type { ApiRequest } from './api-request.ts';
import { LEASES } from './known-resources.ts';
import { resourceLabel } from './resource.ts';

/** This process may not write now. Nothing was sent: unlike after a {@link TransportError}, the write did not land. */
export class NotLeaderError extends PequodError {
  constructor(message: string) {
    // Where the right comes back without anybody noticing, the queue must: a key that is not ours any more it drops.
    super(message, { code: 'NOT_LEADER', reason: 'NotLeader', retry: 'backoff' });
  }
}

const LEASE_RESOURCE = resourceLabel(LEASES);

/** The operator's calls about its Leases. */
export function isLeaseCall({ identity, route }: Pick<ApiRequest, 'identity' | 'route'>): boolean {
  return identity === undefined && route.resource === LEASE_RESOURCE;
}

/** Whether the write gate is asked for this request. */
export function isGated(
  request: Pick<ApiRequest, 'identity' | 'method' | 'route' | 'storesNothing'>,
): boolean {
  return request.method !== 'GET' && request.storesNothing !== true && !isLeaseCall(request);
}

/** `agent`, but `ask` is called right before a request is written to its socket. Where it throws, nothing is written. */
export function asking(agent: Dispatcher, ask: () => void): Dispatcher {
  return agent.compose((dispatch) => (options, handler) => dispatch(options, new Asking(handler, ask)));
}

class Asking implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #ask: () => void;

  constructor(handler: Dispatcher.DispatchHandler, ask: () => void) {
    this.#handler = handler;
    this.#ask = ask;
  }

  onRequestStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestStart']>>): void {
    this.#ask();
    this.#handler.onRequestStart?.(...args);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseData']>>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseError']>>): void {
    this.#handler.onResponseError?.(...args);
  }
}

/** Writes that have begun and whose answer has not come: they may land at any moment. */
export class OpenWrites {
  #count = 0;
  #settled: PromiseWithResolvers<void> | undefined;

  /** @returns what is disposed of when the write is over */
  begin(): Disposable {
    this.#count += 1;
    return { [Symbol.dispose]: () => this.#end() };
  }

  /** Resolves when there are none. */
  async settled(): Promise<void> {
    if (this.#count === 0) return;
    this.#settled ??= Promise.withResolvers();
    await this.#settled.promise;
  }

  #end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }
}
