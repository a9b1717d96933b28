// What a scrape of the operator sees. One registry, made with this object: two operators in a process don't mix. Every
// label has a closed or bounded set of values; nothing that a tenant writes becomes one without a limit. Each metric has
// a row in docs/metrics.md.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ApiMetrics } from './api-metrics.ts';
import { LeaseMetrics } from './lease-metrics.ts';
import { QueueMetrics } from './queue-metrics.ts';

/** Where the cache holds something. */
export type CacheTier = 'disk' | 'memory';

/** What a tier of the cache holds now. */
export interface CacheLevel {
  readonly tier: CacheTier;
  readonly entries: number;
  readonly bytes: number;
}

export type CircuitState = 'closed' | 'half-open' | 'open';

export interface HostCircuit {
  readonly host: string;
  readonly state: CircuitState;
}

const CIRCUIT_VALUES: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 };
/** Hosts that have a series of their own. */
const MAX_HOSTS = 100;
const OTHER_HOSTS = 'other';
const FETCH_SECONDS: readonly number[] = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** All metrics of one operator. */
export class Metrics {
  readonly #registry = new Registry();
  readonly leases: LeaseMetrics = new LeaseMetrics(this.#registry);
  readonly queues: QueueMetrics = new QueueMetrics(this.#registry);
  /** Of the calls to the API server. */
  readonly api: ApiMetrics = new ApiMetrics(this.#registry);
  readonly #hits: Counter<'tier'>;
  readonly #misses: Counter;
  readonly #evictions: Counter<'tier'>;
  readonly #corrupt: Counter;
  readonly #writeFailures: Counter;
  readonly #fetches: Counter<'type' | 'result'>;
  readonly #fetchSeconds: Histogram<'type'>;

  constructor() {
    const registers = [this.#registry];
    const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
      new Counter({ name, help, labelNames, registers });
    this.#hits = counter('pequod_cue_cache_hits_total', 'Modules that came from the cache.', ['tier']);
    this.#misses = counter('pequod_cue_cache_misses_total', 'Modules that were not in the cache.', []);
    this.#evictions = counter(
      'pequod_cue_cache_evictions_total',
      'Entries that left the cache for room or for age.',
      ['tier'],
    );
    // A rate needs a zero to start from.
    for (const tier of ['memory', 'disk'] as const) {
      this.#hits.inc({ tier }, 0);
      this.#evictions.inc({ tier }, 0);
    }
    this.#corrupt = counter(
      'pequod_cue_cache_corrupt_total',
      'Files of the cache that were not what was written, and were deleted.',
      [],
    );
    this.#writeFailures = counter(
      'pequod_cue_cache_write_failures_total',
      'Entries that could not be written to the disk.',
      [],
    );
    this.#fetches = counter('pequod_cue_fetch_total', 'Modules fetched from where they are kept.', [
      'type',
      'result',
    ]);
    this.#fetchSeconds = new Histogram({
      name: 'pequod_cue_fetch_duration_seconds',
      help: 'How long it took to fetch a module, failures included.',
      labelNames: ['type'],
      buckets: [...FETCH_SECONDS],
      registers,
    });
  }

  cacheHit(tier: CacheTier): void {
    this.#hits.inc({ tier });
  }

  cacheMiss(): void {
    this.#misses.inc();
  }

  cacheEvicted(tier: CacheTier): void {
    this.#evictions.inc({ tier });
  }

  cacheCorrupt(): void {
    this.#corrupt.inc();
  }

  cacheWriteFailed(): void {
    this.#writeFailures.inc();
  }

  /**
   * A module was fetched, or could not be.
   * @param type a value of `cueRef.type`
   * @param result `success`, or the code of a SourceError
   */
  fetched(type: string, result: string, durationMs: number): void {
    this.#fetches.inc({ type, result });
    this.#fetchSeconds.observe({ type }, durationMs / 1_000);
  }

  /** Reads the cache's levels at each scrape. Called once. */
  watchCache(levels: () => readonly CacheLevel[]): void {
    this.#gauge('pequod_cue_cache_entries', 'Entries in the cache.', 'tier', (gauge) => {
      for (const { tier, entries } of levels()) gauge.set({ tier }, entries);
    });
    this.#gauge('pequod_cue_cache_size_bytes', 'Bytes of the entries in the cache.', 'tier', (gauge) => {
      for (const { tier, bytes } of levels()) gauge.set({ tier }, bytes);
    });
  }

  /** Reads the circuits at each scrape. Called once. */
  watchCircuits(circuits: () => readonly HostCircuit[]): void {
    const help = 'Whether a host is asked: 0 yes, 1 one request as a trial, 2 no.';
    this.#gauge('pequod_circuit_state', help, 'host', (gauge) => {
      gauge.reset();
      for (const [host, value] of circuitValues(circuits())) gauge.set({ host }, value);
    });
  }

  /** The text of a scrape. */
  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Media type of {@link expose}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Names and labels of all that is registered, for the page that lists them. */
  list(): readonly { readonly name: string; readonly labels: readonly string[] }[] {
    return this.#registry
      .getMetricsAsArray()
      .map((metric) => ({ name: metric.name, labels: labelsOf(metric) }));
  }

  #gauge<T extends string>(name: string, help: string, label: T, read: (gauge: Gauge<T>) => void): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        read(this);
      },
    });
  }
}

/** The worst state of each host. Open ones come first: beyond the limit, what is left of them is one. */
function circuitValues(circuits: readonly HostCircuit[]): ReadonlyMap<string, number> {
  const worstFirst = [...circuits].sort((a, b) => CIRCUIT_VALUES[b.state] - CIRCUIT_VALUES[a.state]);
  const values = new Map<string, number>();
  for (const { host, state } of worstFirst) {
    const label = values.has(host) || values.size < MAX_HOSTS ? host : OTHER_HOSTS;
    values.set(label, Math.max(values.get(label) ?? 0, CIRCUIT_VALUES[state]));
  }
  return values;
}

function labelsOf(metric: object): readonly string[] {
  const names: unknown = 'labelNames' in metric ? metric.labelNames : [];
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}
