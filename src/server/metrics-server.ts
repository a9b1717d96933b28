// What a scrape gets, and nothing else. Metrics name hosts and kinds of sources and no tenant's content.
import type { Logger, Metrics } from '../observability/index.ts';
import type { Runnable } from '../runtime/index.ts';
import { type ListenAddress, Listener } from './listener.ts';

export interface MetricsServerOptions {
  readonly address: ListenAddress;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export class MetricsServer implements Runnable {
  readonly name = 'metrics server';
  readonly #listener: Listener;

  constructor({ address, metrics, log }: MetricsServerOptions) {
    this.#listener = new Listener({
      address,
      what: 'metrics',
      announcement: 'metrics are served',
      paths: ['/metrics'],
      answer: async () => ({ status: 200, contentType: metrics.contentType, text: await metrics.expose() }),
      log,
    });
  }

  /** @throws where the address can't be listened on */
  async start(signal: AbortSignal): Promise<void> {
    await this.#listener.start(signal);
  }

  /** The port that it listens on; undefined while it does not. */
  get port(): number | undefined {
    return this.#listener.port;
  }

  async stop(): Promise<void> {
    await this.#listener.stop();
  }
}
