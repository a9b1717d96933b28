// The one port that the operator opens for itself, and only where it is told to. It answers a scrape and nothing else:
// no other path, no other method, no body. Metrics name hosts and kinds of sources and no tenant's content, and are
// served without authentication, so a network policy decides who may scrape.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Logger, Metrics } from '../observability/index.ts';
import type { Runnable } from '../runtime/index.ts';

const PATH = '/metrics';
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8 * 1024;

/** Where a server listens. */
export interface ListenAddress {
  /** All addresses of the machine where absent. */
  readonly host?: string;
  /** 0: one that is free. */
  readonly port: number;
}

export interface MetricsServerOptions {
  readonly address: ListenAddress;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export class MetricsServer implements Runnable {
  readonly name = 'metrics server';
  readonly #options: MetricsServerOptions;
  readonly #server: Server;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 2,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws where the address can't be listened on */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { address, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (error) => log.warn({ err: error }, 'the metrics server has a problem'));
    log.info({ port: this.port, path: PATH }, 'metrics are served');
  }

  /** The port that it listens on; undefined while it does not. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== PATH) {
      send(response, 404, 'text/plain', 'not found\n');
    } else if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      send(response, 405, 'text/plain', 'only GET\n');
    } else {
      try {
        const { metrics } = this.#options;
        send(response, 200, metrics.contentType, await metrics.expose());
      } catch (error) {
        this.#options.log.warn({ problem: messageOf(error) }, 'metrics could not be read');
        send(response, 500, 'text/plain', 'metrics could not be read\n');
      }
    }
  }
}

/** Answers and closes: what a client still sends is not waited for. */
function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'content-type': contentType, connection: 'close' });
  response.end(text);
}
