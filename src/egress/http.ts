// HTTP to the world outside. Redirects are answers like any other: whoever follows one asks anew, and is checked anew.
// Connections that are kept for later requests are kept apart by TLS material, so that no request travels over a
// connection that another's certificate has opened.
import { Agent, type Dispatcher, request } from 'undici';
import { AgentPool } from './agent-pool.ts';
import type { EgressGuard } from './guard.ts';
import { EgressError } from './rules.ts';
import type { TlsMaterial } from './sockets.ts';
import { TimeLimit } from './time-limit.ts';

const MAX_HEADER_BYTES = 16 * 1024;
/** Longest silence before and within an answer. */
const IDLE_TIMEOUT_MS = 30_000;
/** Connections to one server that are kept at a time; more requests than that wait for each other. */
const MAX_KEPT_CONNECTIONS = 16;
/** A rest of an answer that nobody wants is read up to this, and for so long, to keep its connection. */
const MAX_REST_BYTES = 16 * 1024;
const MAX_REST_MS = 500;

export interface EgressHttpOptions {
  /** How long a connection waits for another request. By default each request has its own. */
  readonly keepAliveMs?: number;
}

export interface EgressRequest {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';
  /** http or https. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Most of the answer's body that is taken; 0: it is not read. */
  readonly maxBytes: number;
  /** Whom TLS trusts, and who we are; the system's authorities, and nobody, without it. */
  readonly tls?: TlsMaterial;
  /** Longest silence before and within the answer. Default 30 s. */
  readonly idleTimeoutMs?: number;
  /** Longest for all of it, however steadily it drips. Default: as long as the signal. */
  readonly timeoutMs?: number;
}

export interface EgressResponse {
  readonly statusCode: number;
  /** By names in small letters. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

/** An answer whose body is still to come: it is read to its end, or discarded. */
export interface EgressStream extends Omit<EgressResponse, 'body'> {
  /** @throws EgressError (`EGRESS_TOO_LARGE`, `EGRESS_TIMEOUT`), what the network says, and the signal's reason. */
  readonly body: AsyncIterable<Buffer>;
  /** Gives up the rest of the body. */
  discard(): Promise<void>;
}

/** A client whose every connection is made by the guard. */
export class EgressHttp {
  readonly #isKept: boolean;
  readonly #agents: AgentPool;

  constructor(guard: EgressGuard, { keepAliveMs }: EgressHttpOptions = {}) {
    this.#isKept = keepAliveMs !== undefined;
    const kept = keepAliveMs ?? 1;
    this.#agents = new AgentPool((material) => {
      return new Agent({
        connect: connector(guard, material),
        allowH2: false,
        maxHeaderSize: MAX_HEADER_BYTES,
        keepAliveTimeout: kept,
        keepAliveMaxTimeout: kept,
        ...(this.#isKept ? { connections: MAX_KEPT_CONNECTIONS } : {}),
      });
    });
  }

  /** @throws EgressError (`EGRESS_TOO_LARGE`, `EGRESS_TIMEOUT`), what the network says, and the signal's reason. */
  async send(message: EgressRequest, signal: AbortSignal): Promise<EgressResponse> {
    const { statusCode, headers, body, discard } = await this.open(message, signal);
    if (message.maxBytes === 0) {
      await discard();
      return { statusCode, headers, body: Buffer.alloc(0) };
    }
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return { statusCode, headers, body: Buffer.concat(chunks) };
  }

  /** As {@link send}, without the body. */
  async open(message: EgressRequest, signal: AbortSignal): Promise<EgressStream> {
    const { method, url, headers = {}, body, maxBytes, tls, idleTimeoutMs = IDLE_TIMEOUT_MS } = message;
    const limit = new TimeLimit(message.timeoutMs, signal);
    try {
      const answer = await request(url, {
        dispatcher: this.#agents.of(tls),
        method,
        headers: { 'user-agent': 'pequod', ...headers },
        ...(body === undefined ? {} : { body }),
        reset: !this.#isKept,
        headersTimeout: idleTimeoutMs,
        bodyTimeout: idleTimeoutMs,
        signal: limit.signal,
      });
      return {
        statusCode: answer.statusCode,
        headers: headersOf(answer),
        body: capped(answer, maxBytes, limit),
        discard: () => discardBody(answer, this.#isKept, limit),
      };
    } catch (error) {
      limit.end();
      throw error;
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#agents.close();
  }
}

function headersOf({ headers }: Dispatcher.ResponseData): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found.set(name.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return found;
}

async function* capped(
  { body }: Dispatcher.ResponseData,
  maxBytes: number,
  limit: TimeLimit,
): AsyncGenerator<Buffer> {
  let size = 0;
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      yield chunk;
    }
  } finally {
    limit.end();
  }
}

/** Nobody wants the rest, so that nothing that happens to it is an error. */
async function discardBody(
  { body }: Dispatcher.ResponseData,
  isKept: boolean,
  limit: TimeLimit,
): Promise<void> {
  // Without a connection to keep, what is still on its way ends with it.
  if (!isKept) {
    limit.end();
    body.on('error', () => undefined).destroy();
    return;
  }
  const signal = AbortSignal.any([limit.signal, AbortSignal.timeout(MAX_REST_MS)]);
  await body.dump({ limit: MAX_REST_BYTES, signal }).catch(() => body.destroy());
  limit.end();
}

function tooLarge(maxBytes: number): EgressError {
  return new EgressError(`the answer is larger than ${maxBytes} bytes`, {
    code: 'EGRESS_TOO_LARGE',
    reason: 'AnswerTooLarge',
    retry: 'backoff',
  });
}

function connector(
  guard: EgressGuard,
  material: TlsMaterial | undefined,
): NonNullable<Agent.Options['connect']> {
  return ({ hostname, port, protocol }, callback) => {
    const isTls = protocol === 'https:';
    const target = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (isTls ? 443 : 80),
      ...(isTls ? { tls: { protocols: ['http/1.1'], ...(material === undefined ? {} : { material }) } } : {}),
    };
    // A connection that its request has given up ends by the guard's own limit.
    guard.connect(target, new AbortController().signal).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}
