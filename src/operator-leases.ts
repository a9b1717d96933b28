// How replicas of the operator share the work: the Leases by which they do, a client for these alone, and the fence before
// every other write.
import { TerminalError } from './errors.ts';
import { type ClusterConfig, OperatorClient } from './kube/index.ts';
import { HandOver, type LeaseCallReport, type LeaseTimings, LeaseWatch, WriteFence } from './leases/index.ts';
import { Shards, type ShardsOptions } from './leases/shards/index.ts';
import type { Logger, Metrics } from './observability/index.ts';
import type { Ownership, Runnable } from './runtime/index.ts';

/** What an administrator says of replicas that share the work. */
export interface SharingOptions {
  /** Where the Leases are; without it in the operator's own namespace, or that of the context. */
  readonly namespace: string | undefined;
  /** Parts that the work is split into; 1: one replica has it all. The same for all replicas. */
  readonly shards: number;
  /** Names this process and no other, ever. */
  readonly identity: string;
  readonly timings: LeaseTimings;
  /** Called when a Lease was lost: others may be at work, and the process has to end at once. */
  readonly onLost: (error: TerminalError) => void;
}

export interface SharingBasics {
  readonly config: ClusterConfig;
  readonly version: string;
  readonly watchNamespace?: string | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The part of the work that is this replica's. */
export interface SharedWork {
  readonly ownership: Ownership;
  /** To be started before the watches, so that their first lists are newer than what is had at once. */
  readonly parts: readonly Runnable[];
}

const LEASE_PREFIX = 'pequod';
/** On all Leases of replicas that look after the same Transforms: the only namespace of these, or nothing. */
const WATCH_NAMESPACE_LABEL = 'pequod.io/watch-namespace';
/** Looks, writes, and the watch. */
const LEASE_CALLS = 16;

/** The share of this process in the work. */
export class Sharing {
  readonly fence: WriteFence = new WriteFence();
  readonly #options: SharingOptions;
  readonly #basics: SharingBasics;
  #handOver: HandOver | undefined;

  constructor(options: SharingOptions, basics: SharingBasics) {
    this.#options = options;
    this.#basics = basics;
  }

  /**
   * Begins to share the work.
   * @param operator makes all other calls; nothing is given back before its writes have landed
   * @param refresh resolves when what is known of these keys is as new as the moment at which it was called
   */
  share(operator: OperatorClient, refresh: ShardsOptions['refresh']): SharedWork {
    const { config, log, metrics, version, watchNamespace = '' } = this.#basics;
    const { identity, onLost, shards: count, timings } = this.#options;
    const namespace = this.#options.namespace ?? config.namespace;
    const labels = { 'app.kubernetes.io/name': LEASE_PREFIX, [WATCH_NAMESPACE_LABEL]: watchNamespace };
    // Of its own, so that no call of the work stands before one that keeps a Lease. A renewal that gets no answer leaves
    // time for another one.
    const client = new OperatorClient({
      ...{ config, version, log, now: Date.now, maxInFlight: LEASE_CALLS },
      timeoutMs: timings.renewDeadlineMs / 2,
    });
    const watch = new LeaseWatch({ client, namespace, labels, log, now: Date.now, random: Math.random });
    const shards = new Shards({
      ...{ client, count, identity, labels, log, namespace, refresh, timings, watch },
      fence: this.fence,
      prefix: watchNamespace === '' ? LEASE_PREFIX : `${LEASE_PREFIX}-${watchNamespace}`,
      onLost: (lease) => onLost(lostError(lease)),
      onOwned: (owned) => metrics.leases.owned(owned, count),
      onCall: ({ purpose, result, durationMs }: LeaseCallReport) =>
        metrics.leases.called(purpose, result === 'failed', durationMs),
      random: Math.random,
      wallNow: Date.now,
    });
    metrics.leases.owned([], count);
    const handOver = new HandOver({
      of: shards,
      fence: this.fence,
      writesSettled: () => operator.writesSettled(),
      giveBack: () => shards.stop(),
    });
    this.#handOver = handOver;
    return {
      ownership: handOver,
      parts: [
        { name: 'lease client', start: async () => undefined, stop: () => client.close() },
        watch,
        {
          name: shards.name,
          start: (signal) => shards.start(signal),
          stop: () => handOver.run(),
          health: () => shards.health(),
        },
      ],
    };
  }

  /** Gives this replica's part of the work to others; resolves when they can begin. */
  async handOver(): Promise<void> {
    await this.#handOver?.run();
  }
}

function lostError(lease: string): TerminalError {
  return new TerminalError(`lease ${lease} was lost: another replica may be at work`, {
    code: 'LEASE_LOST',
    reason: 'LeaseLost',
  });
}
