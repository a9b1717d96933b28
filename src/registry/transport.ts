// Requests to registries: logging in where it is asked for, redirects, a few quick retries, and an end in any case.
// Authorization is sent to the origin of the registry alone: a redirect that leaves it never gets it back.
import { type BackoffOptions, retry } from '../backoff/index.ts';
import { type EgressGuard, EgressHttp, type EgressStream } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { RegistryAccess, TrustedRealm } from './access.ts';
import { type Actions, Authorizer } from './authorizer.ts';
import { readErrorPage } from './body.ts';
import { errorCodes, RegistryUnavailable, sourceErrorOf, statusError } from './failures.ts';
import { nextUrl, PlainHosts, repositoryUrl, tlsFor } from './origin.ts';
import { formatOciReference, type OciReference } from './reference.ts';

const KEEP_ALIVE_MS = 15_000;
const CALL_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
const MAX_QUICK_TRIES = 3;
const MAX_QUICK_WAIT_MS = 3_000;
const QUICK_BACKOFF: BackoffOptions = { baseMs: 300, factor: 2, maxMs: 1_000, jitter: 0.5 };
const MAX_ERROR_BYTES = 16 * 1024;

export interface TransportOptions {
  readonly guard: EgressGuard;
  /** Registries of plain http, as `host:port`, or `host` for all its ports. No other is asked without TLS. */
  readonly plainHttpHosts?: readonly string[];
  /** Token servers on other hosts than their registries, besides those of Docker Hub and GitLab. */
  readonly trustedRealms?: readonly TrustedRealm[];
  /** Longest for one call, with logging in, redirects and retries. Default 30 s. */
  readonly callTimeoutMs?: number;
  /** Longest silence within an answer. Default 10 s. */
  readonly idleTimeoutMs?: number;
  /** The time of the day in milliseconds. */
  readonly now?: () => number;
  /** From 0 to 1, for the time between tries. */
  readonly random?: () => number;
}

export interface RegistryRequest {
  readonly reference: OciReference;
  readonly access: RegistryAccess;
  /** What is asked for; a path begins behind the repository. */
  readonly at: string | URL;
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly actions?: Actions;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Most of the answer that is taken. */
  readonly maxBytes: number;
}

/** An answer with a status of success. It ends with the call. */
export interface RegistryAnswer extends Pick<EgressStream, 'body' | 'headers' | 'statusCode'> {
  readonly url: URL;
}

interface Hop {
  readonly url: URL;
  /** Still at the registry's own origin. */
  readonly isHome: boolean;
}

export class RegistryTransport {
  readonly #http: EgressHttp;
  readonly #plainHosts: PlainHosts;
  readonly #authorizer: Authorizer;
  readonly #callTimeoutMs: number;
  readonly #idleTimeoutMs: number;
  readonly #now: () => number;
  readonly #random: () => number;

  constructor(options: TransportOptions) {
    const { callTimeoutMs = CALL_TIMEOUT_MS, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
    this.#http = new EgressHttp(options.guard, { keepAliveMs: KEEP_ALIVE_MS });
    this.#plainHosts = new PlainHosts(options.plainHttpHosts);
    this.#callTimeoutMs = callTimeoutMs;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#authorizer = new Authorizer({
      http: this.#http,
      plainHosts: this.#plainHosts,
      trustedRealms: options.trustedRealms ?? [],
      timeoutMs: callTimeoutMs,
      idleTimeoutMs,
      now: this.#now,
    });
  }

  /** Asks, and has `read` take the answer. @throws SourceError, and the signal's reason. */
  async call<Result>(
    request: RegistryRequest,
    signal: AbortSignal,
    read: (answer: RegistryAnswer) => Promise<Result>,
  ): Promise<Result> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#callTimeoutMs)]);
    // To begin an upload twice does no harm.
    const isRepeatable = request.method !== 'PUT';
    const asked = { shown: formatOciReference(request.reference), host: request.reference.host };
    const once = async (): Promise<Result> => {
      try {
        return await this.#once(request, limit, read);
      } catch (error) {
        signal.throwIfAborted();
        if (limit.aborted) throw tooSlow(asked, this.#callTimeoutMs);
        throw sourceErrorOf(error, asked);
      }
    };
    const waitAfter = (error: unknown): number | undefined => {
      const waitMs = error instanceof RegistryUnavailable ? error.quickRetryMs : undefined;
      return isRepeatable && waitMs !== undefined && waitMs <= MAX_QUICK_WAIT_MS ? waitMs : undefined;
    };
    const options = { maxTries: MAX_QUICK_TRIES, backoff: QUICK_BACKOFF, random: this.#random, waitAfter };
    try {
      return await retry(once, options, limit);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Where an answer to a request points at. @throws SourceError where that would be less safe. */
  next(location: string, from: URL, reference: OciReference): URL {
    return nextUrl(location, from, formatOciReference(reference), this.#plainHosts);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #once<Result>(
    request: RegistryRequest,
    signal: AbortSignal,
    read: (answer: RegistryAnswer) => Promise<Result>,
  ): Promise<Result> {
    const { reference, access, actions = 'pull' } = request;
    const claim = { reference, access, actions };
    let { answer, hop } = await this.#followed(request, this.#authorizer.known(claim), signal);
    if (answer.statusCode === 401 && hop.isHome) {
      await answer.discard();
      this.#authorizer.forget(claim);
      const lines = answer.headers.get('www-authenticate') ?? [];
      const header = await this.#authorizer.answer(claim, lines, signal);
      ({ answer, hop } = await this.#followed(request, header, signal));
      if (answer.statusCode === 401) this.#authorizer.forget(claim);
    }
    try {
      if (answer.statusCode < 200 || answer.statusCode >= 300)
        throw await this.#statusError(request, answer, hop);
      return await read({ ...answer, url: hop.url });
    } finally {
      await answer.discard();
    }
  }

  async #followed(
    request: RegistryRequest,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly answer: EgressStream; readonly hop: Hop }> {
    const { reference, method = 'GET', at } = request;
    const home = repositoryUrl(reference, '', this.#plainHosts);
    const url = typeof at === 'string' ? repositoryUrl(reference, at, this.#plainHosts) : at;
    let hop: Hop = { url, isHome: url.origin === home.origin };
    for (let hops = 0; ; hops += 1) {
      const answer = await this.#send(request, hop, authorization, signal);
      const location = answer.headers.get('location')?.[0];
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.statusCode);
      if (!isRedirect || location === undefined || (method !== 'GET' && method !== 'HEAD'))
        return { answer, hop };
      await answer.discard();
      if (hops >= MAX_REDIRECTS) {
        const shown = formatOciReference(reference);
        throw new RegistryUnavailable(
          `${shown}: ${reference.host} redirects more than ${MAX_REDIRECTS} times`,
        );
      }
      const next = this.next(location, hop.url, reference);
      hop = { url: next, isHome: hop.isHome && next.origin === home.origin };
    }
  }

  async #send(
    { reference, access, method = 'GET', headers, body, maxBytes }: RegistryRequest,
    { url, isHome }: Hop,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<EgressStream> {
    const message = {
      method,
      url,
      headers: { ...headers, ...(isHome && authorization !== undefined ? { authorization } : {}) },
      ...(body === undefined ? {} : { body }),
      maxBytes: Math.max(maxBytes, MAX_ERROR_BYTES),
      idleTimeoutMs: this.#idleTimeoutMs,
      ...tlsFor(access, isHome),
    };
    try {
      return await this.#http.open(message, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw sourceErrorOf(error, { shown: formatOciReference(reference), host: url.host });
    }
  }

  async #statusError(
    { reference, access }: RegistryRequest,
    answer: EgressStream,
    { url, isHome }: Hop,
  ): Promise<SourceError> {
    const page = await readErrorPage(answer, MAX_ERROR_BYTES);
    const retryAfter = answer.headers.get('retry-after')?.[0];
    return statusError(
      {
        status: answer.statusCode,
        codes: errorCodes(page),
        ...(retryAfter === undefined ? {} : { retryAfter }),
      },
      {
        shown: formatOciReference(reference),
        host: url.host,
        hasCredentials: isHome && access.credentials !== undefined,
      },
      this.#now(),
    );
  }
}

function tooSlow(
  { shown, host }: { readonly shown: string; readonly host: string },
  timeoutMs: number,
): SourceError {
  return new SourceError(
    'SOURCE_UNAVAILABLE',
    `${shown}: ${host} did not answer in full within ${timeoutMs / 1_000} s`,
  );
}
