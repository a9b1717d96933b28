// One request to one cluster. Every short call has a total deadline from when its turn has come (`FlowControl`); the
// caller's signal reaches the socket; answers are limited in size; bodies of errors are read to the end.
import type { IncomingHttpHeaders } from 'node:http';
import { type Dispatcher, request as send } from 'undici';
import { messageOf, PequodError } from '../errors.ts';
import { type JsonValue, parseJson } from '../json/index.ts';
import type { Logger } from '../observability/index.ts';
import { untilAborted } from './abort.ts';
import type { ApiAnswer, ApiRequest, CallRecord } from './api-request.ts';
import { readCapped } from './body.ts';
import { errorFromAnswer } from './classify.ts';
import type { ClusterConfig } from './config.ts';
import { Connections } from './connections.ts';
import { Deadline } from './deadline.ts';
import { isUnauthorized, TransportError } from './errors.ts';
import { FlowControl, type Throttling } from './flow-control.ts';
import type { ApiLoad } from './in-flight-limit.ts';
import { TokenCache } from './token-cache.ts';
import { asking, isGated, isLeaseCall, OpenWrites } from './write-gate.ts';

export interface TransportOptions {
  readonly config: ClusterConfig;
  /** Version of Pequod, for the User-Agent. */
  readonly version: string;
  readonly log: Logger;
  /** Milliseconds, any epoch; also what `Retry-After` dates are measured against. */
  readonly now: () => number;
  /** Total time of a request, and of the way to a watch's first byte. Default 35 s. */
  readonly timeoutMs?: number;
  /** Most short calls in flight, and sockets for them, in the whole process; Lease calls aside. Default 64. */
  readonly maxInFlight?: number;
  /** Size of an answer. Default 64 MiB. */
  readonly maxResponseBytes?: number;
  readonly onCall?: (call: CallRecord) => void;
  /** An answer asked for fewer calls. */
  readonly onThrottled?: ((throttling: Throttling) => void) | undefined;
  /** From 0 up to, not including, 1. Default `Math.random`. */
  readonly random?: () => number;
  /** Called where a call got no answer, or a stream broke: the server may be away. */
  readonly onUnanswered?: (() => void) | undefined;
  /**
   * Throws where this process may not write (a {@link NotLeaderError}). Asked right before a request that may store
   * something is written to its socket; not for the operator's Lease calls.
   */
  readonly mayWrite?: (() => void) | undefined;
}

type Agents = Awaited<ReturnType<Connections['agents']>>;
type Response = Dispatcher.ResponseData;

const MAX_ERROR_BYTES = 1024 * 1024;
const DEFAULT_MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
/** The API server gives up a write after 34 s and an admission webhook after 30 s at most: it is heard what it says. */
const DEFAULT_TIMEOUT_MS = 35_000;
const DEFAULT_MAX_IN_FLIGHT = 64;
/** How OpenSSL and Node name a certificate that could not be verified: no request was sent on such a connection. */
const CERTIFICATE_CODE =
  /^(?:UNABLE_TO_(?:VERIFY|GET)_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA$|ERR_TLS_CERT_|ERR_SSL_TLSV1_ALERT_UNKNOWN_CA$)/;

export class Transport {
  readonly #options: TransportOptions;
  readonly #base: URL;
  readonly #connections: Connections;
  readonly #flow: FlowControl;
  readonly #tokens: TokenCache;
  readonly #writes: OpenWrites = new OpenWrites();

  constructor(options: TransportOptions) {
    const { config, now, maxInFlight = DEFAULT_MAX_IN_FLIGHT, random = Math.random, onThrottled } = options;
    this.#options = options;
    this.#base = new URL(config.server);
    this.#connections = new Connections(config, maxInFlight, now);
    this.#flow = new FlowControl({ maxInFlight, random, onThrottled });
    this.#tokens = new TokenCache(config.credentials, now);
  }

  async close(): Promise<void> {
    await this.#connections.destroy();
  }

  /** Resolves when no write is under way, so that none lands any more. */
  async writesSettled(): Promise<void> {
    await this.#writes.settled();
  }

  get load(): ApiLoad {
    return this.#flow.load;
  }

  /** A short call. Errors are classified; an aborted `signal` rejects with its own reason. */
  async call(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    const work = (): Promise<ApiAnswer> =>
      this.#withFreshCredentials((isRefused) => this.#call(request, isRefused, signal));
    return await this.#flow.call(request, work, signal);
  }

  /** Opens a stream: resolves once its headers are there. Ends with `signal` or when the consumer stops reading. */
  async stream(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const work = (): Promise<AsyncIterable<Buffer>> =>
      this.#withFreshCredentials((isRefused) => this.#stream(request, isRefused, signal));
    return await this.#flow.open(request, work, signal);
  }

  /** The same beside all limits, for a look at a server that may have stopped answering. */
  async openBeside(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const work = (): Promise<AsyncIterable<Buffer>> =>
      this.#withFreshCredentials((isRefused) => this.#stream(request, isRefused, signal));
    return await this.#flow.look(request, work, signal);
  }

  /** Tries once more where token or certificates were refused, with what the files hold now: nothing was stored. */
  async #withFreshCredentials<R>(attempt: (isRefused: boolean) => Promise<R>): Promise<R> {
    try {
      return await attempt(false);
    } catch (error) {
      if (isCertificateRefused(error)) {
        this.#connections.doubt();
        return attempt(false);
      }
      if (!isUnauthorized(error) || this.#options.config.credentials.kind !== 'token') throw error;
      return attempt(true);
    }
  }

  async #call(request: ApiRequest, isRefused: boolean, signal: AbortSignal): Promise<ApiAnswer> {
    using deadline = new Deadline(this.#timeoutMs, signal);
    using _write = isGated(request) ? this.#writes.begin() : undefined;
    const { maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = this.#options;
    return await this.#recorded(request, deadline, signal, async (seen) => {
      // Lease calls find a socket however many calls there are.
      const agent = isLeaseCall(request) ? 'watch' : 'unary';
      const response = await this.#send(request, agent, isRefused, deadline.signal);
      seen(response.statusCode);
      if (!isSuccess(response)) throw await this.#failure(request, response);
      const text = await readCapped(response.body, maxResponseBytes);
      if (text === undefined)
        throw new TransportError('tooLarge', `answer is over ${maxResponseBytes} bytes`);
      return {
        statusCode: response.statusCode,
        value: response.statusCode === 304 ? undefined : parse(text),
        etag: headerOf(response.headers, 'etag'),
        contentType: headerOf(response.headers, 'content-type') ?? '',
      };
    });
  }

  async #stream(
    request: ApiRequest,
    isRefused: boolean,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer>> {
    const deadline = new Deadline(this.#timeoutMs, signal);
    try {
      const body = await this.#recorded(request, deadline, signal, async (seen) => {
        const response = await this.#send(request, 'watch', isRefused, deadline.signal);
        seen(response.statusCode);
        if (!isSuccess(response)) throw await this.#failure(request, response);
        return response.body;
      });
      deadline.lift();
      return this.#chunks(body, deadline, signal);
    } catch (error) {
      deadline[Symbol.dispose]();
      throw error;
    }
  }

  async *#chunks(body: Response['body'], deadline: Deadline, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of body) yield chunk;
    } catch (error) {
      signal.throwIfAborted();
      this.#options.onUnanswered?.();
      throw new TransportError('connection', `stream broke: ${messageOf(error)}`, error);
    } finally {
      deadline[Symbol.dispose]();
      body.on('error', ignoreLateError).destroy();
    }
  }

  async #send(
    request: ApiRequest,
    agent: keyof Agents,
    isRefused: boolean,
    signal: AbortSignal,
  ): Promise<Response> {
    const agents = await this.#connections.agents(signal);
    const token = await this.#tokens.get(isRefused, signal);
    const { mayWrite } = this.#options;
    const isAsked = mayWrite !== undefined && isGated(request);
    const sent = send(this.#url(request), {
      dispatcher: isAsked ? asking(agents[agent], mayWrite) : agents[agent],
      method: request.method,
      headers: this.#headers(request, token),
      body: request.body ?? null,
      signal,
    });
    // A connection that is still being made hears of an abort only once it is there, or has failed.
    return await untilAborted(sent, signal);
  }

  #url(request: ApiRequest): URL {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${request.path}`;
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  /** Pairs of name and value: undici sends each as its own line. */
  #headers(request: ApiRequest, token: string | undefined): string[] {
    const headers = ['user-agent', `pequod/${this.#options.version}`];
    headers.push('accept', request.accept ?? 'application/json');
    if (request.body !== undefined) headers.push('content-type', request.contentType ?? 'application/json');
    if (request.etag !== undefined) headers.push('if-none-match', request.etag);
    if (token !== undefined) headers.push('authorization', `Bearer ${token}`);
    if (request.identity !== undefined) headers.push('impersonate-user', request.identity.username);
    return headers;
  }

  async #failure(request: ApiRequest, response: Response): Promise<Error> {
    const body = (await readCapped(response.body, MAX_ERROR_BYTES)) ?? '';
    return errorFromAnswer({
      statusCode: response.statusCode,
      body,
      retryAfter: headerOf(response.headers, 'retry-after'),
      route: request.route,
      nowMs: this.#options.now(),
    });
  }

  /** Reports the call and turns what undici throws into our errors. */
  async #recorded<R>(
    request: ApiRequest,
    deadline: Deadline,
    signal: AbortSignal,
    run: (seen: (statusCode: number) => void) => Promise<R>,
  ): Promise<R> {
    const startedAtMs = this.#options.now();
    let code = 0;
    try {
      return await run((statusCode) => {
        code = statusCode;
      });
    } catch (error) {
      signal.throwIfAborted();
      const { verb, resource } = request.route;
      if (deadline.isExpired) {
        this.#options.onUnanswered?.();
        throw new TransportError('timeout', `${verb} ${resource}: no answer in ${this.#timeoutMs} ms`, error);
      }
      if (error instanceof PequodError) throw error;
      this.#options.onUnanswered?.();
      this.#connections.doubt();
      throw new TransportError('connection', `${verb} ${resource}: ${messageOf(error)}`, error);
    } finally {
      this.#report(request, code, this.#options.now() - startedAtMs);
    }
  }

  #report(request: ApiRequest, code: number, durationMs: number): void {
    const { verb, resource } = request.route;
    try {
      this.#options.onCall?.({ verb, resource, code, durationMs, identity: request.identity?.username });
    } catch (error) {
      this.#options.log.error({ err: error }, 'call observer failed');
    }
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }
}

function isSuccess(response: Response): boolean {
  return (response.statusCode >= 200 && response.statusCode < 300) || response.statusCode === 304;
}

/** No connection was made, since the server's certificate or ours was not accepted. */
function isCertificateRefused(error: unknown): boolean {
  if (!(error instanceof TransportError) || error.kind !== 'connection') return false;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return CERTIFICATE_CODE.test(code);
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function parse(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    throw new TransportError('badResponse', 'answer is not JSON', error);
  }
}

/** Destroying a body that was already given up emits an error that nobody is left to hear. */
function ignoreLateError(): undefined {
  return undefined;
}
