// The HTTP or HTTPS server in front of all that the tests talk to. It runs in the test's own process and notes each
// request before the client has its answer, so a count is never late.
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { type CertificatePair, choosePort } from '../control-plane/index.ts';

/** A request that came in. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the answer; undefined while there is none. */
  readonly status: number | undefined;
}

/** Answers a request. What it throws becomes a 500. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
) => void | Promise<void>;

/** Answers a request in place of the server and says so, or says false: then the server does. */
export type Interceptor = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
) => boolean | Promise<boolean>;

const BIND_ATTEMPTS = 5;

/** One port of 127.0.0.1: opened, taken down and brought back, with everything that was asked on it. */
export class Listener {
  readonly port: number;
  readonly isSecure: boolean;
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  #connectionCount = 0;
  #interceptor: Interceptor | undefined;

  private constructor(server: Server, port: number, isSecure: boolean) {
    this.#server = server;
    this.port = port;
    this.isSecure = isSecure;
    server.on('connection', (socket: Socket) => {
      this.#connectionCount += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(handler: Handler, certificate: CertificatePair | undefined): Promise<Listener> {
    for (let attempt = 1; ; attempt += 1) {
      const server =
        certificate === undefined
          ? createServer()
          : createSecureServer({ cert: certificate.certificate, key: certificate.key });
      const listener = new Listener(server, await choosePort(), certificate !== undefined);
      server.on('request', (request, response) => void listener.#answer(handler, request, response));
      try {
        await listener.bringBack();
        return listener;
      } catch (error) {
        if (attempt === BIND_ATTEMPTS) throw error;
      }
    }
  }

  /** Host and port, as in a reference to an image. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `${this.isSecure ? 'https' : 'http'}://${this.host}`;
  }

  /** How many connections were opened, and how many still are. */
  get connections(): { readonly total: number; readonly open: number } {
    return { total: this.#connectionCount, open: this.#sockets.size };
  }

  intercept(interceptor: Interceptor | undefined): void {
    this.#interceptor = interceptor;
  }

  /** Cuts all connections and refuses new ones. */
  async takeDown(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Listens again, on the same port. */
  async bringBack(): Promise<void> {
    const listening = once(this.#server, 'listening');
    this.#server.listen(this.port, '127.0.0.1');
    await listening;
  }

  async #answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen: SeenRequest = {
      method: request.method ?? '',
      url: request.url ?? '/',
      headers: request.headers,
      get status() {
        return response.headersSent ? response.statusCode : undefined;
      },
    };
    this.seen.push(seen);
    // Clients hang up as they like, and tests take servers down in the middle of an answer.
    request.on('error', () => response.destroy());
    response.on('error', () => undefined);
    try {
      const isAnswered = (await this.#interceptor?.(request, response, seen)) ?? false;
      if (!isAnswered) await handler(request, response, seen);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error));
    }
  }
}
