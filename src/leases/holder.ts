// Holds one Lease for one process: makes the calls that its state asks for, one at a time, wakes up when something has to
// be done, and tells what becomes of it. Every decision is made in state.ts.
import type { KubeObject } from '../api/index.ts';
import { messageOf } from '../errors.ts';
import { isAlreadyExists, isConflict, isNotFound, LEASES, type OperatorClient } from '../kube/index.ts';
import type { Logger } from '../observability/index.ts';
import { type Clock, systemClock } from '../runtime/index.ts';
import { type LeaseAddress, leaseObject, type StoredLease, storedLease } from './record.ts';
import { type LeaseAnswer, type LeaseCall, type LeaseLoss, LeaseState } from './state.ts';
import { type LeaseTimings, timingsProblem } from './timings.ts';
import type { LeaseWatch } from './watch.ts';

/** One call about a Lease, for metrics. */
export interface LeaseCallReport {
  readonly lease: string;
  readonly purpose: 'look' | 'take' | 'renew' | 'release';
  readonly result: LeaseAnswer['type'];
  readonly durationMs: number;
}

/**
 * - `gained`: it is held from now on.
 * - `lost`: it was held, and is not any more without having been given back. The process has to end.
 * - `released`: it was given back.
 */
export type LeaseEvent =
  | { readonly type: 'gained'; readonly lease: string }
  | { readonly type: 'lost'; readonly lease: string; readonly why: LeaseLoss }
  | { readonly type: 'released'; readonly lease: string };

export interface LeaseHolderOptions extends LeaseAddress {
  /** For these calls alone: they wait for nothing else, and time out well before the renew deadline. */
  readonly client: OperatorClient;
  /** Names this process and no other, ever. */
  readonly identity: string;
  readonly timings: LeaseTimings;
  /** Tells of changes by others; without it they are looked for every retry period. */
  readonly watch?: LeaseWatch;
  readonly log: Logger;
  /** Monotonic. Default: the process's own. */
  readonly clock?: Clock;
  /** Milliseconds since the epoch, for the times that the Lease shows to people. */
  readonly wallNow: () => number;
  readonly onCall?: (report: LeaseCallReport) => void;
}

type Handler = (event: LeaseEvent) => void;

export class LeaseHolder {
  /** Name of the Lease. */
  readonly name: string;
  readonly identity: string;
  readonly #options: LeaseHolderOptions;
  readonly #clock: Clock;
  readonly #state: LeaseState;
  readonly #handlers = new Set<Handler>();
  readonly #ending = new AbortController();
  #leaveWatch: readonly (() => void)[] = [];
  #cancelTimer: () => void = () => undefined;
  #wasHeld = false;
  #hasToldLoss = false;
  #lastProblem: string | undefined;
  #released: PromiseWithResolvers<void> | undefined;

  /** @throws RangeError for timings that don't fit together */
  constructor(options: LeaseHolderOptions) {
    const problem = timingsProblem(options.timings);
    if (problem !== undefined) throw new RangeError(problem);
    this.name = options.name;
    this.identity = options.identity;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#state = new LeaseState(options.identity, options.timings);
  }

  /** Takes the Lease as soon as it is free, keeps it, and goes on until it is released, lost or stopped. */
  acquire(): void {
    if (this.#ending.signal.aborted) return;
    this.#listen();
    this.#state.want();
    this.#pump();
  }

  /**
   * Gives it back, or gives up waiting for it. {@link isHeld} is false from here on: whatever needed it must be over.
   * Resolves when others can take it: it was given back, or has expired. It may be acquired again.
   */
  release(): Promise<void> {
    this.#state.unwant();
    if (this.#ending.signal.aborted) return Promise.resolve();
    if (!this.#state.mayHold) this.#settle();
    else this.#released ??= Promise.withResolvers();
    const { promise } = this.#released ?? { promise: Promise.resolve() };
    this.#pump();
    return promise;
  }

  /** Ends all at once, without giving anything back; what was said to be held is held by nobody from here on. */
  stop(): void {
    this.#ending.abort(new Error('the lease holder was stopped'));
    this.#cancelTimer();
    for (const leave of this.#leaveWatch) leave();
    this.#handlers.clear();
    this.#settle();
  }

  /** True while no other process can hold it. Cheap; right at any moment, also after this process was paused. */
  get isHeld(): boolean {
    return !this.#ending.signal.aborted && this.#state.isHeld(this.#clock.now());
  }

  /** True from {@link acquire} to {@link release}. */
  get isWanted(): boolean {
    return this.#state.isWanted;
  }

  /** Tells of what becomes of it, from now on. @returns what ends it */
  onEvent(handler: Handler): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** What is wrong, in one line. */
  health(): string | undefined {
    if (this.#state.loss !== undefined) return `lease ${this.name} was lost`;
    if (this.#lastProblem === undefined || !this.isWanted) return undefined;
    return `lease ${this.name} can't be ${this.#wasHeld ? 'renewed' : 'had'}: ${this.#lastProblem}`;
  }

  #listen(): void {
    const { watch } = this.#options;
    if (watch === undefined || this.#leaveWatch.length > 0) return;
    const follow = (): void => {
      this.#state.setWatched(watch.isLive);
      this.#pump();
    };
    const observe = (name: string, lease: KubeObject | undefined): void => {
      if (name !== this.name) return;
      this.#state.observed(lease === undefined ? undefined : this.#decode(lease), this.#clock.now());
      this.#pump();
    };
    this.#leaveWatch = [watch.onChange(observe), watch.onState(follow)];
    this.#state.setWatched(watch.isLive);
  }

  /** Does what is to be done now, and wakes up for what comes next. */
  #pump(): void {
    this.#cancelTimer();
    if (this.#ending.signal.aborted) return;
    const step = this.#state.next(this.#clock.now(), this.#options.wallNow());
    this.#tell();
    if (step.type === 'call') {
      void this.#make(step.call);
      // The end of what is held has to be noticed while the call hangs.
      this.#pump();
    } else if (step.untilMs !== undefined) {
      const delayMs = Math.max(0, Math.ceil(step.untilMs - this.#clock.now()));
      this.#cancelTimer = this.#clock.setTimer(delayMs, () => this.#pump());
    }
  }

  async #make(call: LeaseCall): Promise<void> {
    const startedAt = this.#clock.now();
    const answer = await this.#answerOf(call);
    const durationMs = this.#clock.now() - startedAt;
    const purpose = call.type === 'look' ? 'look' : call.purpose;
    this.#options.onCall?.({ lease: this.name, purpose, result: answer.type, durationMs });
    if (this.#ending.signal.aborted) return;
    this.#state.answered(answer, this.#clock.now());
    this.#pump();
  }

  async #answerOf(call: LeaseCall): Promise<LeaseAnswer> {
    try {
      const answer = await this.#ask(call);
      this.#lastProblem = undefined;
      return answer;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return { type: 'refused' };
      if (isNotFound(error))
        return call.type === 'look' ? { type: 'found', lease: undefined } : { type: 'refused' };
      this.#lastProblem = messageOf(error);
      if (!this.#ending.signal.aborted) {
        const fields = { lease: this.name, purpose: call.type === 'look' ? 'look' : call.purpose };
        this.#options.log.warn({ ...fields, problem: this.#lastProblem }, 'lease call failed');
      }
      return { type: 'failed' };
    }
  }

  async #ask(call: LeaseCall): Promise<LeaseAnswer> {
    const { client, namespace, name } = this.#options;
    const { signal } = this.#ending;
    if (call.type === 'look') {
      return { type: 'found', lease: this.#decode(await client.get(LEASES, { namespace, name }, signal)) };
    }
    const object = leaseObject(this.#options, call.record, call.resourceVersion);
    const stored =
      call.resourceVersion === undefined
        ? await client.create(LEASES, object, {}, signal)
        : await client.update(LEASES, object, {}, signal);
    return { type: 'stored', lease: this.#decode(stored) };
  }

  #decode(object: KubeObject): StoredLease {
    return storedLease(object, this.#options.timings.durationMs);
  }

  /** Tells what has changed since it was told last. */
  #tell(): void {
    const { loss, mayHold } = this.#state;
    const isHeld = this.#state.isHeld(this.#clock.now());
    if (loss !== undefined && !this.#hasToldLoss) {
      this.#hasToldLoss = true;
      this.#wasHeld = false;
      this.#emit({ type: 'lost', lease: this.name, why: loss });
    } else if (isHeld && !this.#wasHeld) {
      this.#wasHeld = true;
      this.#emit({ type: 'gained', lease: this.name });
    }
    if (mayHold || this.#state.isWanted) return;
    if (this.#wasHeld) {
      this.#wasHeld = false;
      this.#emit({ type: 'released', lease: this.name });
    }
    this.#settle();
  }

  #settle(): void {
    this.#released?.resolve();
    this.#released = undefined;
  }

  #emit(event: LeaseEvent): void {
    this.#options.log.info({ ...event, identity: this.identity }, 'lease changed hands');
    for (const handler of [...this.#handlers]) handler(event);
  }
}
