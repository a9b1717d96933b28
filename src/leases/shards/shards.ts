// The shards that this process works on. Invariants:
// - A shard is worked on only while its Lease is held, and only after a look, made while it was held, showed that nobody
//   holds a Lease of another count of shards. Two replicas that disagree about the count both write their Lease before
//   they look, so that one of them sees the other: shards of two counts are never worked on at the same time.
// - Before its first key is worked on, what the watches show is as new as the moment at which the Lease was had.
// - A shard that is given up leaves first: nothing of it is worked on when its Lease is given back.
// - A Lease that is lost ends the process, unless it is about to end anyhow.
// Who should have which shard is `assignment.ts`, needed for rest and not for safety; the second and the third are kept by
// `beginning.ts`.
import type { NamespacedName } from '../../api/index.ts';
import { LEASES, type OperatorClient } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import {
  type Clock,
  type KeyFilter,
  type Ownership,
  type Runnable,
  systemClock,
} from '../../runtime/index.ts';
import type { WriteFence } from '../fence.ts';
import { LeaseHolder, type LeaseHolderOptions } from '../holder.ts';
import type { LeaseWatch } from '../watch.ts';
import { type Assignment, assign } from './assignment.ts';
import { Beginning } from './beginning.ts';
import { shardOf } from './hash.ts';
import { COUNT_LABEL, memberLeaseName, ROLE_LABEL, shardLeaseName } from './names.ts';
import { keysOf, type Shard, type ShardState } from './shard.ts';
import { Sightings } from './sightings.ts';
import { Tidying } from './tidying.ts';

export interface ShardsOptions
  extends Pick<
    LeaseHolderOptions,
    'client' | 'identity' | 'labels' | 'log' | 'namespace' | 'onCall' | 'timings' | 'wallNow'
  > {
  readonly client: OperatorClient;
  /** How many shards there are; the same for all replicas. */
  readonly count: number;
  /** Beginning of the names of all Leases. */
  readonly prefix: string;
  /** Tells of all Leases that carry `labels`. */
  readonly watch: LeaseWatch;
  readonly fence: WriteFence;
  /** Resolves when what is known of these keys is as new as the moment at which it was called. */
  readonly refresh: (isGained: KeyFilter, signal: AbortSignal) => Promise<void>;
  /** A Lease was lost: this process has to end. */
  readonly onLost: (lease: string) => void;
  /** Called whenever other shards are owned than before. */
  readonly onOwned?: (shards: readonly number[]) => void;
  readonly log: Logger;
  readonly random: () => number;
  readonly clock?: Clock;
}

/** How many retry periods a start waits for what is free. */
const START_PERIODS = 3;
/** How long what is had waits for more that comes at the same time. */
const GATHER_MS = 200;

export class Shards implements Ownership, Runnable {
  readonly name = 'shards';
  readonly #options: ShardsOptions;
  readonly #clock: Clock;
  readonly #sightings: Sightings;
  readonly #shards: readonly Shard[];
  /** Says that this replica lives; undefined where there is one shard, which whoever is first may have. */
  readonly #member: LeaseHolder | undefined;
  readonly #gainedHandlers = new Set<(isGained: KeyFilter) => void>();
  readonly #leavingHandlers = new Set<(isLeaving: KeyFilter) => Promise<void>>();
  readonly #ending = new AbortController();
  readonly #beginning: Beginning;
  readonly #tidying: Tidying;
  #endListening: readonly (() => void)[] = [];
  #cancelTimer: () => void = () => undefined;
  /** After a Lease of another count was met: not before this is anything taken. */
  #takeAgainAtMs = Number.NEGATIVE_INFINITY;
  #hasMetOthers = false;
  #settled: PromiseWithResolvers<void> | undefined;

  constructor(options: ShardsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sightings = new Sightings(options.timings.durationMs);
    const { count, identity, prefix } = options;
    this.#shards = Array.from({ length: count }, (_, index) => ({
      index,
      holder: this.#holder(shardLeaseName(prefix, count, index), 'shard'),
      state: 'idle',
      times: 0,
    }));
    this.#member = count === 1 ? undefined : this.#holder(memberLeaseName(prefix, identity), 'member');
    this.#tidying = new Tidying(options);
    const { log, refresh, timings } = options;
    this.#beginning = new Beginning(
      {
        ...{ shards: this.#shards, log, clock: this.#clock, retryPeriodMs: timings.retryPeriodMs },
        gatherMs: count === 1 ? 0 : GATHER_MS,
        isAlone: (signal) => this.#isAlone(signal),
        refresh: (batch, signal) => refresh(keysOf(batch, count), signal),
        begin: (batch) => this.#own(batch),
        putBack: (shard) => this.#putBack(shard),
      },
      this.#ending.signal,
    );
  }

  owns(key: NamespacedName): boolean {
    return this.#shards[shardOf(key, this.#options.count)]?.state === 'owned';
  }

  onGained(handler: (isGained: KeyFilter) => void): () => void {
    this.#gainedHandlers.add(handler);
    return () => this.#gainedHandlers.delete(handler);
  }

  onLeaving(handler: (isLeaving: KeyFilter) => Promise<void>): () => void {
    this.#leavingHandlers.add(handler);
    return () => this.#leavingHandlers.delete(handler);
  }

  /** Shards that are worked on here. */
  owned(): readonly number[] {
    return this.#inState('owned').map(({ index }) => index);
  }

  /** Takes what is free. Ready when that is had, so that the first lists are newer than it, or soon after. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { timings, watch } = this.#options;
    this.#endListening = [
      watch.onChange(() => this.#rebalance()),
      watch.onState(() => this.#rebalance()),
      ...this.#shards.map((shard) =>
        shard.holder.onEvent(({ type }) => {
          if (type === 'gained') this.#held(shard);
        }),
      ),
    ];
    this.#member?.acquire();
    const settled = Promise.withResolvers<void>();
    this.#settled = settled;
    const cancel = this.#clock.setTimer(START_PERIODS * timings.retryPeriodMs, settled.resolve);
    signal.addEventListener('abort', () => settled.reject(signal.reason), { once: true });
    this.#tick();
    await settled.promise.finally(cancel);
  }

  /** Gives everything back. What worked under it has been stopped before. */
  async stop(): Promise<void> {
    this.#options.fence.close();
    this.#ending.abort(new Error('shards are given back'));
    this.#cancelTimer();
    for (const end of this.#endListening) end();
    const { retryPeriodMs } = this.#options.timings;
    const left = this.#member === undefined ? undefined : this.#tidying.leave(this.#member, retryPeriodMs);
    // First what says that it lives, so that the others count without it when they see what becomes free; but where the
    // server is away, all of it ends at once.
    const headStart = Promise.withResolvers<void>();
    const cancel = this.#clock.setTimer(retryPeriodMs, headStart.resolve);
    await Promise.race([left, headStart.promise]);
    cancel();
    await Promise.all([left, ...this.#shards.map(({ holder }) => holder.release())]);
    for (const shard of this.#shards) shard.state = 'idle';
    this.#options.onOwned?.([]);
    for (const { holder } of this.#shards) holder.stop();
  }

  /** What is wrong with the first Lease that has a problem. */
  health(): string | undefined {
    const holders = [
      ...(this.#member === undefined ? [] : [this.#member]),
      ...this.#shards.map(({ holder }) => holder),
    ];
    return holders.map((holder) => holder.health()).find((problem) => problem !== undefined);
  }

  #holder(name: string, role: 'member' | 'shard'): LeaseHolder {
    const { count, fence, labels, onLost, ...options } = this.#options;
    const own = { [ROLE_LABEL]: role, [COUNT_LABEL]: String(count) };
    const holder = new LeaseHolder({ ...options, name, labels: { ...labels, ...own } });
    holder.onEvent(({ type, lease }) => {
      // Where nothing is written any more, it does not matter who holds it.
      if (type === 'lost' && !fence.isClosed) onLost(lease);
    });
    return holder;
  }

  #tick(): void {
    if (this.#ending.signal.aborted) return;
    this.#rebalance();
    const { timings, random } = this.#options;
    const delayMs = timings.retryPeriodMs * (0.75 + random() / 2);
    this.#cancelTimer = this.#clock.setTimer(delayMs, () => this.#tick());
  }

  /** Looks at the Leases and begins what should be done about them. */
  #rebalance(): void {
    const { watch } = this.#options;
    // Who should have which shard is told by the watch; one shard alone is for whoever is first.
    if (this.#ending.signal.aborted || (!watch.isLive && this.#member !== undefined)) return;
    const nowMs = this.#clock.now();
    this.#sightings.look(watch.leases(), nowMs);
    const wanted = this.#wanted(nowMs);
    if (wanted === undefined) return;
    const take = new Set(wanted.take);
    for (const shard of this.#shards) {
      if (shard.state === 'taking' && !take.has(shard.index)) {
        shard.state = 'idle';
        void shard.holder.release();
      } else if (shard.state === 'idle' && take.has(shard.index)) {
        shard.state = 'taking';
        shard.holder.acquire();
      }
    }
    for (const index of wanted.give) void this.#give(index);
    const { count } = this.#options;
    this.#tidying.sweep(this.#sightings.leftovers(count, nowMs), this.#ending.signal);
    this.#settle();
  }

  /** Undefined while too little is known. */
  #wanted(nowMs: number): Assignment | undefined {
    const { count, identity } = this.#options;
    const nothing = { take: [], give: [] };
    if (this.#isOtherCountAtWork(nowMs)) return nothing;
    if (nowMs < this.#takeAgainAtMs) return nothing;
    if (this.#member === undefined) return { take: [0], give: [] };
    // Others take account of this replica once they can see it, and what it sees of them is new while it sees itself.
    const isSeen = this.#sightings.holder(this.#member.name, nowMs) === identity;
    if (!this.#member.isHeld || !isSeen) return undefined;
    const members = this.#sightings.members(count, nowMs);
    return assign({ count, self: identity, members, holders: this.#holders(nowMs) });
  }

  #holders(nowMs: number): ReadonlyMap<number, string> {
    const { identity } = this.#options;
    const holders = new Map<number, string>();
    for (const { holder, index, state } of this.#shards) {
      const isOwn = state === 'held' || state === 'owned' || state === 'leaving';
      const seen = this.#sightings.holder(holder.name, nowMs);
      // What was given back may still bear our name on the watch.
      const who = isOwn ? identity : seen === identity ? undefined : seen;
      if (who !== undefined) holders.set(index, who);
    }
    return holders;
  }

  #held(shard: Shard): void {
    if (shard.state !== 'taking') return;
    shard.state = 'held';
    shard.times += 1;
    this.#settle();
    this.#beginning.held();
  }

  #inState(state: ShardState): readonly Shard[] {
    return this.#shards.filter((shard) => shard.state === state);
  }

  /** Whether nobody has a Lease of another count. */
  async #isAlone(signal: AbortSignal): Promise<boolean> {
    const { client, labels, namespace } = this.#options;
    const labelSelector = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(',');
    const leases = await client.listAll(LEASES, { namespace, labelSelector }, signal);
    const nowMs = this.#clock.now();
    this.#sightings.look(leases, nowMs);
    return !this.#isOtherCountAtWork(nowMs);
  }

  #own(gained: readonly Shard[]): void {
    for (const shard of gained) {
      this.#options.fence.rely(shard.holder);
      shard.state = 'owned';
    }
    this.#tellOwned();
    const isGained = keysOf(gained, this.#options.count);
    for (const handler of this.#gainedHandlers) handler(isGained);
  }

  #putBack(shard: Shard): void {
    const { random, timings } = this.#options;
    // Two that put back for each other must not try again at the same moment.
    this.#takeAgainAtMs = this.#clock.now() + timings.retryPeriodMs * (1 + random());
    void this.#release(shard);
  }

  async #give(index: number): Promise<void> {
    const shard = this.#shards[index];
    if (shard?.state === 'held') return await this.#release(shard);
    if (shard?.state !== 'owned') return;
    shard.state = 'leaving';
    this.#tellOwned();
    const isLeaving = keysOf([shard], this.#options.count);
    await Promise.all([...this.#leavingHandlers].map((handler) => handler(isLeaving)));
    this.#options.fence.leave(shard.holder);
    await this.#release(shard);
  }

  async #release(shard: Shard): Promise<void> {
    shard.state = 'leaving';
    await shard.holder.release();
    shard.state = 'idle';
    this.#rebalance();
  }

  /** Replicas that were given another count hold shards: an update is under way, and they go first. */
  #isOtherCountAtWork(nowMs: number): boolean {
    const { count, log } = this.#options;
    const others = this.#sightings.otherCounts(count, nowMs);
    if (others.length > 0 && !this.#hasMetOthers) {
      log.warn(
        { shards: count, others },
        'replicas with another --shards are at work, waiting until they are done',
      );
    }
    this.#hasMetOthers = others.length > 0;
    return this.#hasMetOthers;
  }

  #tellOwned(): void {
    const owned = this.owned();
    this.#options.log.info({ owned, of: this.#options.count }, 'shards have changed');
    this.#options.onOwned?.(owned);
  }

  #settle(): void {
    const nowMs = this.#clock.now();
    const isOpen = this.#shards.some(
      ({ holder, state }) => state === 'taking' && this.#sightings.holder(holder.name, nowMs) === undefined,
    );
    if (!isOpen) this.#settled?.resolve();
  }
}
