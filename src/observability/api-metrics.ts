// Metrics of the calls to the API server.
import { Counter, Gauge, type Registry } from 'prom-client';

/** Short calls at the moment of a scrape. */
export interface ApiLoadLevel {
  readonly inFlight: number;
  readonly waiting: number;
  readonly limit: number;
}

const THROTTLERS = ['429', '503', '504', 'timeout'] as const;
const CALLERS = ['operator', 'tenant'] as const;

export class ApiMetrics {
  readonly #registry: Registry;
  readonly #throttled: Counter<'by' | 'who'>;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#throttled = new Counter({
      name: 'pequod_api_throttled_total',
      help: 'Calls to the API server whose answer, or lack of one, asks for fewer calls.',
      labelNames: ['by', 'who'],
      registers: [registry],
    });
    // A rate needs a zero to start from.
    for (const by of THROTTLERS) for (const who of CALLERS) this.#throttled.inc({ by, who }, 0);
  }

  throttled(by: (typeof THROTTLERS)[number], who: (typeof CALLERS)[number]): void {
    this.#throttled.inc({ by, who });
  }

  /** Reads the load at each scrape. Called once. */
  watchLoad(load: () => ApiLoadLevel): void {
    this.#gauge(
      'pequod_api_in_flight',
      'Calls to the API server under way, watches and leases aside.',
      () => {
        return load().inFlight;
      },
    );
    this.#gauge('pequod_api_waiting', 'Calls to the API server that wait for a place.', () => load().waiting);
    this.#gauge('pequod_api_in_flight_limit', 'How many calls may be under way now.', () => load().limit);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
