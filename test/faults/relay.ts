// A relay of bytes between a client and its server, for what a network does on a bad day: it falls silent and tells
// nobody. Sockets stay open on both sides and are acknowledged, as behind a load balancer that has lost its way.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

export class Relay implements AsyncDisposable {
  readonly #target: URL;
  readonly #server: Server;
  readonly #links: Set<Link> = new Set();
  #isCut = false;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** @param target `https://127.0.0.1:6443`; the server's certificate has to be good for 127.0.0.1 */
  static async start(target: string): Promise<Relay> {
    const relay = new Relay(new URL(target));
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  /** The target's address with the relay in its place. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('relay has no port');
    return `${this.#target.protocol}//127.0.0.1:${address.port}`;
  }

  /** Nothing passes any more on the connections that there are now, for good. New ones work. */
  fallSilent(): void {
    for (const { client, server } of this.#links) {
      // What still comes is taken and thrown away, as long as the relay lives.
      client.unpipe(server).on('data', ignore).resume();
      server.unpipe(client).on('data', ignore).resume();
    }
  }

  /** Falls silent, and new connections end at once, until {@link mend}. */
  cut(): void {
    this.#isCut = true;
    this.fallSilent();
  }

  /** New connections work again; those that fell silent are reset. */
  mend(): void {
    this.#isCut = false;
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    const link = { client, server };
    this.#links.add(link);
    const end = (): void => {
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.pipe(server);
    server.pipe(client);
  }
}

function ignore(): undefined {
  return undefined;
}
