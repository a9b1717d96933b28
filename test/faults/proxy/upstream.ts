// The way to the real API server. Requests go on as they came, token and impersonation included; only what belongs to
// the connection itself stays behind.
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, type Dispatcher } from 'undici';
import type { ControlPlaneAccess } from '../../control-plane/index.ts';

/** An answer whose body is all there. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What is passed on of a request. */
export interface PassedRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turns. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

const OF_THE_CONNECTION = new Set([
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'expect',
  'upgrade',
]);

export class Upstream {
  readonly #origin: string;
  readonly #agent: Agent;

  private constructor(origin: string, ca: string) {
    this.#origin = origin;
    this.#agent = new Agent({
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ca },
    });
  }

  static async to(controlPlane: ControlPlaneAccess): Promise<Upstream> {
    return new Upstream(controlPlane.url, await readFile(controlPlane.caFile, 'utf8'));
  }

  /** Resolves when the body has come, too. */
  async ask(request: PassedRequest): Promise<WholeAnswer> {
    const { statusCode, headers, body } = await this.#send(request, undefined);
    return { status: statusCode, headers: endToEnd(headers), body: Buffer.from(await body.arrayBuffer()) };
  }

  /** Resolves when the headers have come; the body ends with `signal`. */
  async open(
    request: PassedRequest,
    signal: AbortSignal,
  ): Promise<Omit<WholeAnswer, 'body'> & { readonly body: Dispatcher.ResponseData['body'] }> {
    const { statusCode, headers, body } = await this.#send(request, signal);
    return { status: statusCode, headers: endToEnd(headers), body };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #send(request: PassedRequest, signal: AbortSignal | undefined): Promise<Dispatcher.ResponseData> {
    return this.#agent.request({
      origin: this.#origin,
      path: request.path,
      method: methodOf(request.method),
      headers: passedHeaders(request.rawHeaders),
      body: request.body.length === 0 ? null : request.body,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** @throws TypeError for a method that no API server knows. */
function methodOf(text: string): Dispatcher.HttpMethod {
  switch (text) {
    case 'GET':
    case 'HEAD':
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return text;
    default:
      throw new TypeError(`method ${text} is not passed on`);
  }
}

function passedHeaders(rawHeaders: IncomingMessage['rawHeaders'] | readonly string[]): string[] {
  const passed: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) passed.push(name, rawHeaders[index + 1] ?? '');
  }
  return passed;
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name)));
}
