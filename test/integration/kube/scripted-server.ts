// A local HTTP server that answers as a script says: for faults that a real API server shows rarely or never.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  type CallRecord,
  fixedClusterConfig,
  OperatorClient,
  type Throttling,
  type TokenSupplier,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came, line by line. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void;

export class ScriptedServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  readonly seen: SeenRequest[] = [];
  connectionCount = 0;

  private constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      // What a test leaves open is cut when the test is over.
      response.on('error', () => undefined);
      text(request).then(
        (body) => {
          const { method = '', headers, rawHeaders } = request;
          const seen = {
            method,
            url: new URL(request.url ?? '/', 'http://server'),
            headers,
            rawHeaders,
            body,
          };
          this.seen.push(seen);
          answer(response, seen);
        },
        () => response.destroy(),
      );
    });
    this.#server.on('connection', (socket) => {
      this.connectionCount += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(answer: Answer): Promise<ScriptedServer> {
    const server = new ScriptedServer(answer);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('server has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}

export interface ScriptedClientOptions {
  readonly timeoutMs?: number;
  readonly maxInFlight?: number;
  readonly maxResponseBytes?: number;
  readonly token?: TokenSupplier;
  readonly onCall?: (call: CallRecord) => void;
  readonly mayWrite?: () => void;
  readonly onThrottled?: (throttling: Throttling) => void;
}

export function clientOf(server: ScriptedServer, options: ScriptedClientOptions = {}): OperatorClient {
  const { token, ...rest } = options;
  const config = fixedClusterConfig({ server: server.url });
  return new OperatorClient({
    config: token === undefined ? config : { ...config, credentials: { kind: 'token', token } },
    version: '1.2.3',
    log: silentLogger(),
    now: Date.now,
    ...rest,
  });
}

export function sendJson(response: ServerResponse, statusCode: number, value: unknown): void {
  response.writeHead(statusCode, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  details: object = {},
): void {
  sendJson(response, code, { kind: 'Status', status: 'Failure', code, reason, message: reason, details });
}

/** Begins a watch and writes these frames. */
export function openWatch(response: ServerResponse, ...frames: readonly object[]): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  for (const frame of frames) response.write(`${JSON.stringify(frame)}\n`);
}

export function frame(
  type: string,
  name: string,
  resourceVersion: string,
  uid: string = `uid-${name}`,
): object {
  const metadata = { name, namespace: 'shop', uid, resourceVersion };
  return { type, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { rv: resourceVersion } } };
}

export function bookmark(resourceVersion: string, isInitialEventsEnd: boolean = false): object {
  const annotations = isInitialEventsEnd ? { 'k8s.io/initial-events-end': 'true' } : {};
  const metadata = { resourceVersion, annotations };
  return { type: 'BOOKMARK', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata } };
}

export function errorFrame(code: number, reason: string): object {
  return { type: 'ERROR', object: { kind: 'Status', status: 'Failure', code, reason, message: reason } };
}
