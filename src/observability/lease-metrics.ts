// Which part of the work is this replica's, how often that changed, and how well its Leases are kept.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const RENEW_SECONDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class LeaseMetrics {
  readonly #leader: Gauge<'shard'>;
  readonly #transitions: Counter<'shard'>;
  readonly #failures: Counter<'purpose'>;
  readonly #seconds: Histogram<'purpose'>;
  #owned: ReadonlySet<number> = new Set();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#leader = new Gauge({
      name: 'pequod_leader',
      help: 'Whether this replica works on a shard: 1 or 0.',
      labelNames: ['shard'],
      registers,
    });
    this.#transitions = new Counter({
      name: 'pequod_leader_transitions_total',
      help: 'How often this replica began or ended to work on a shard.',
      labelNames: ['shard'],
      registers,
    });
    this.#failures = new Counter({
      name: 'pequod_lease_call_failures_total',
      help: 'Calls about Leases without a usable answer.',
      labelNames: ['purpose'],
      registers,
    });
    for (const purpose of ['look', 'take', 'renew', 'release']) this.#failures.inc({ purpose }, 0);
    this.#seconds = new Histogram({
      name: 'pequod_lease_call_duration_seconds',
      help: 'How long calls about Leases took, failures included.',
      labelNames: ['purpose'],
      buckets: [...RENEW_SECONDS],
      registers,
    });
  }

  /**
   * The shards that this replica works on from now on.
   * @param count how many there are
   */
  owned(shards: readonly number[], count: number): void {
    const owned = new Set(shards);
    for (let shard = 0; shard < count; shard += 1) {
      this.#leader.set({ shard }, owned.has(shard) ? 1 : 0);
      this.#transitions.inc({ shard }, owned.has(shard) === this.#owned.has(shard) ? 0 : 1);
    }
    this.#owned = owned;
  }

  /** A call about a Lease is over. */
  called(purpose: string, isFailure: boolean, durationMs: number): void {
    if (isFailure) this.#failures.inc({ purpose });
    this.#seconds.observe({ purpose }, durationMs / 1_000);
  }
}
