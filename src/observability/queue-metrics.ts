// What the queues of the controllers hold, and how long keys waited in them.
import { Gauge, Histogram, type Registry } from 'prom-client';

/** What a controller's queue holds now. */
export interface QueueLevel {
  readonly controller: string;
  /** Keys by what they are in: `high` and `low` wait for a worker. */
  readonly keys: Readonly<Record<'aside' | 'delayed' | 'high' | 'low' | 'working', number>>;
}

const WAIT_SECONDS: readonly number[] = [0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300];

export class QueueMetrics {
  readonly #waits: Histogram<'controller' | 'priority'>;
  #levels: () => readonly QueueLevel[] = () => [];

  constructor(registry: Registry) {
    const registers = [registry];
    const levels = (): readonly QueueLevel[] => this.#levels();
    new Gauge({
      name: 'pequod_queue_keys',
      help: 'Keys in the queue of a controller.',
      labelNames: ['controller', 'state'],
      registers,
      collect() {
        for (const { controller, keys } of levels()) {
          for (const [state, count] of Object.entries(keys)) this.set({ controller, state }, count);
        }
      },
    });
    this.#waits = new Histogram({
      name: 'pequod_queue_wait_seconds',
      help: 'How long keys waited for a worker.',
      labelNames: ['controller', 'priority'],
      buckets: [...WAIT_SECONDS],
      registers,
    });
  }

  /** A worker took a key that waited so long. */
  taken(controller: string, priority: 'high' | 'low', waitedMs: number): void {
    this.#waits.observe({ controller, priority }, waitedMs / 1_000);
  }

  /** Reads the queues at each scrape. Called once. */
  watch(levels: () => readonly QueueLevel[]): void {
    this.#levels = levels;
  }
}
