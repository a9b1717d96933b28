// A port that the operator opens for others to ask at. All that it serves has the same bounds: GET of known paths
// and nothing else, no body, few connections, short headers, and an answer that closes its connection. Nothing is served
// with authentication, so a network policy decides who may ask.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/index.ts';

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

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface ListenerOptions {
  readonly address: ListenAddress;
  /** What is served, in words: `metrics`. */
  readonly what: string;
  /** Said once it is served. */
  readonly announcement: string;
  readonly paths: readonly string[];
  /** Answers a GET of one of the paths. What it throws is logged and not told to who asks. */
  readonly answer: (path: string, query: URLSearchParams) => Promise<Page>;
  readonly log: Logger;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;

  constructor(options: ListenerOptions) {
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
    const { address, what, announcement, paths, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (error) => log.warn({ err: error }, `the ${what} server has a problem`));
    const { port } = this;
    log.info({ port, ...(paths.length === 1 ? { path: paths[0] } : { paths }) }, announcement);
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
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s, 2);
    if (!this.#options.paths.includes(path)) {
      send(response, { status: 404, contentType: 'text/plain', text: 'not found\n' });
    } else if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      send(response, { status: 405, contentType: 'text/plain', text: 'only GET\n' });
    } else {
      send(response, await this.#page(path, new URLSearchParams(query)));
    }
  }

  async #page(path: string, query: URLSearchParams): Promise<Page> {
    const { answer, what, log } = this.#options;
    try {
      return await answer(path, query);
    } catch (error) {
      log.warn({ problem: messageOf(error) }, `${what} could not be read`);
      return { status: 500, contentType: 'text/plain', text: `${what} could not be read\n` };
    }
  }
}

/** Answers and closes: what a client still sends is not waited for. */
function send(response: ServerResponse, { status, contentType, text }: Page): void {
  response.writeHead(status, { 'content-type': contentType, connection: 'close' });
  response.end(text);
}
