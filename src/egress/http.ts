// HTTP to the world outside, one connection a request. Redirects are answers like any other: whoever follows one asks
// anew, and is checked anew.
import { Agent, type Dispatcher, request } from 'undici';
import type { EgressGuard } from './guard.ts';
import { EgressError } from './rules.ts';

const MAX_HEADER_BYTES = 16 * 1024;

export interface EgressRequest {
  readonly method: 'GET' | 'POST';
  /** http or https. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Most of the answer's body that is taken; 0: it is not read. */
  readonly maxBytes: number;
}

export interface EgressResponse {
  readonly statusCode: number;
  readonly body: Buffer;
}

/** A client whose every connection is made by the guard. */
export class EgressHttp {
  readonly #agent: Agent;

  constructor(guard: EgressGuard) {
    this.#agent = new Agent({ connect: connector(guard), allowH2: false, maxHeaderSize: MAX_HEADER_BYTES });
  }

  /** @throws EgressError (`EGRESS_TOO_LARGE` for a body over the limit), what the network says, and the signal's reason. */
  async send(message: EgressRequest, signal: AbortSignal): Promise<EgressResponse> {
    const { method, url, headers = {}, body, maxBytes } = message;
    const answer = await request(url, {
      dispatcher: this.#agent,
      method,
      headers: { 'user-agent': 'pequod', ...headers },
      ...(body === undefined ? {} : { body }),
      reset: true,
      signal,
    });
    return { statusCode: answer.statusCode, body: await readBody(answer, maxBytes) };
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

async function readBody({ body }: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (maxBytes === 0) {
    // What is still on its way ends with the connection.
    body.on('error', () => undefined).destroy();
    return Buffer.alloc(0);
  }
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > maxBytes) {
      throw new EgressError(`the answer is larger than ${maxBytes} bytes`, {
        code: 'EGRESS_TOO_LARGE',
        reason: 'AnswerTooLarge',
        retry: 'backoff',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function connector(guard: EgressGuard): NonNullable<Agent.Options['connect']> {
  return ({ hostname, port, protocol }, callback) => {
    const isTls = protocol === 'https:';
    const target = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (isTls ? 443 : 80),
      ...(isTls ? { tls: { protocols: ['http/1.1'] } } : {}),
    };
    // A connection that its request has given up ends by the guard's own limit.
    guard.connect(target, new AbortController().signal).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}
