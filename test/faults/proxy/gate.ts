// The operator's side of the proxy: an HTTPS server whose connections can all be cut, and that lets none in while shut.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { CertificatePair } from '../../control-plane/index.ts';

export class Gate {
  readonly #server: Server;
  /** Sockets below TLS, by the operator's port: only they can send a reset. */
  readonly #sockets: Map<number, Socket> = new Map();
  #isOpen = true;

  private constructor(server: Server) {
    this.#server = server;
    // As Go's server: a connection that waits for its next request is not closed under it.
    server.keepAliveTimeout = 0;
    server.headersTimeout = 0;
    server.requestTimeout = 0;
    server.on('connection', (socket: Socket) => this.#welcome(socket));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  static async listen({ certificate, key }: CertificatePair): Promise<Gate> {
    const server = createServer({ cert: certificate, key });
    const gate = new Gate(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return gate;
  }

  /** Hands over every request from now on. */
  serve(handler: (request: IncomingMessage, response: ServerResponse) => void): void {
    this.#server.on('request', handler);
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return `https://127.0.0.1:${address.port}`;
  }

  /** Cuts all connections and refuses new ones until {@link open}. */
  shut(): void {
    this.#isOpen = false;
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Resets the connection on which this was to be answered. */
  reset(response: ServerResponse): void {
    const port = response.socket?.remotePort;
    const socket = port === undefined ? undefined : this.#sockets.get(port);
    socket?.resetAndDestroy();
    response.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.shut();
    await closed;
  }

  #welcome(socket: Socket): void {
    const { remotePort } = socket;
    if (!this.#isOpen || remotePort === undefined) {
      socket.destroy();
      return;
    }
    this.#sockets.set(remotePort, socket);
    socket.once('close', () => {
      if (this.#sockets.get(remotePort) === socket) this.#sockets.delete(remotePort);
    });
  }
}
