// What one process knows of one Lease, and what it does next. No I/O, and time comes as an argument: milliseconds of a
// clock that never goes back. What makes two holders impossible:
// - Every write names the version that it replaces, or creates; the API server accepts one of several.
// - A holder counts from before the request was sent that renewed its Lease, and ends at the renew deadline. Others count
//   from when they saw that version, which is later, and wait for the whole duration, which is longer.
// - Wall clocks are written for people and compared by nobody.
// - A version that this process did not write is somebody else's, even where it bears its name.
// - A holder whose Lease has changed or gone without its doing does not work until a write of its own has succeeded.
// - A lost Lease is lost for good: the process that held it has to end.
import { type LeaseRecord, microTime, type StoredLease } from './record.ts';
import type { LeaseTimings } from './timings.ts';

export type LeaseCall =
  | { readonly type: 'look' }
  | {
      readonly type: 'write';
      readonly purpose: 'take' | 'renew' | 'release';
      readonly record: LeaseRecord;
      /** The only version that it may replace; undefined: create it. */
      readonly resourceVersion: string | undefined;
    };

export type LeaseAnswer =
  /** A look: there is this, or nothing. */
  | { readonly type: 'found'; readonly lease: StoredLease | undefined }
  | { readonly type: 'stored'; readonly lease: StoredLease }
  /** Not written: another version is there, or none, or one where none was expected. */
  | { readonly type: 'refused' }
  /** It may have been written, or not. */
  | { readonly type: 'failed' };

/** `untilMs` undefined: until something is heard. */
export type LeaseStep =
  | { readonly type: 'call'; readonly call: LeaseCall }
  | { readonly type: 'wait'; readonly untilMs: number | undefined };

/** `expired`: it was not renewed in time. `taken`: the Lease names another holder, or nobody. */
export type LeaseLoss = 'expired' | 'taken';

interface Held {
  /** From here on others may hold it. */
  readonly untilMs: number;
  /** It changed without our doing; a renewal that succeeds settles it. */
  readonly isInDoubt: boolean;
}

const MICROS = 1_000;
/** Whoever gives a Lease back tries so many times more often: others wait for it. */
const HURRY = 10;
/** The part of the renew deadline for which it is looked whether there is anything to give back. */
const LOOKS = 2;

export class LeaseState {
  readonly #identity: string;
  readonly #timings: LeaseTimings;
  #isWanted = false;
  #isWatched = false;
  /** The version that is known; `absent`: there is none; `unknown`: nobody has looked since it may have changed. */
  #known: StoredLease | 'absent' | 'unknown' = 'unknown';
  /** Version by which another holder was seen last. */
  #othersVersion: string | undefined;
  /** Until when that holder may still hold it, whatever has become of the Lease. */
  #othersUntilMs = Number.NEGATIVE_INFINITY;
  #held: Held | undefined;
  #loss: LeaseLoss | undefined;
  #call: { readonly call: LeaseCall; readonly sentAtMs: number } | undefined;
  #nextCallMs = Number.NEGATIVE_INFINITY;
  /** acquireTime of what we write to take it: by this a write of ours is known whose answer was lost. */
  #claim: string | undefined;
  /** A write that would take it has no answer yet that can be relied on. */
  #isTakeOpen = false;
  /** Until when it is looked what became of such a write, once the Lease is not wanted any more. */
  #lookUntilMs: number | undefined;
  #writes = 0;

  constructor(identity: string, timings: LeaseTimings) {
    this.#identity = identity;
    this.#timings = timings;
  }

  /** Takes the Lease as soon as it is free, and keeps it. */
  want(): void {
    this.#isWanted = true;
    this.#lookUntilMs = undefined;
  }

  /** Gives it back. It does not count as held from here on. */
  unwant(): void {
    this.#isWanted = false;
    this.#nextCallMs = Number.NEGATIVE_INFINITY;
  }

  /** Whether changes are told by a watch; else they are looked for. */
  setWatched(isWatched: boolean): void {
    this.#isWatched = isWatched;
  }

  /** True while no other process can hold it. */
  isHeld(nowMs: number): boolean {
    return this.#held !== undefined && this.#isWanted && !this.#held.isInDoubt && nowMs < this.#held.untilMs;
  }

  /** True where this process has to be thought the holder by others: it holds it, or may. */
  get mayHold(): boolean {
    return this.#held !== undefined || this.#call?.call.type === 'write' || this.#isTakeOpen;
  }

  get loss(): LeaseLoss | undefined {
    return this.#loss;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** What is to be done now. A call that it names has been begun: {@link answered} must follow. */
  next(nowMs: number, wallMs: number): LeaseStep {
    this.#expire(nowMs);
    if (this.#loss !== undefined) return { type: 'wait', untilMs: undefined };
    if (this.#call !== undefined) return { type: 'wait', untilMs: this.#held?.untilMs };
    const step = this.#step(nowMs, wallMs);
    if (step.type === 'call') this.#call = { call: step.call, sentAtMs: nowMs };
    return step;
  }

  /** What became of the call that {@link next} named. */
  answered(answer: LeaseAnswer, nowMs: number): void {
    const begun = this.#call;
    if (begun === undefined) throw new Error('an answer without a call');
    this.#call = undefined;
    const { call, sentAtMs } = begun;
    if (answer.type === 'failed') this.#failed(call, nowMs);
    else if (answer.type === 'refused') this.#refused(nowMs);
    else if (answer.type === 'found') this.#found(answer.lease, nowMs);
    else if (call.type === 'write') this.#stored(call.purpose, answer.lease, sentAtMs, nowMs);
    this.#expire(nowMs);
  }

  /** A watch tells of a version, or that the Lease is gone. It may be late, so that a holder only grows doubtful by it. */
  observed(lease: StoredLease | undefined, nowMs: number): void {
    if (this.#held === undefined) {
      this.#see(lease, nowMs);
      return;
    }
    if (lease?.record.holder === this.#identity) return;
    this.#doubt();
    this.#nextCallMs = Number.NEGATIVE_INFINITY;
  }

  #step(nowMs: number, wallMs: number): LeaseStep {
    const untilMs = this.#held?.untilMs;
    if (nowMs < this.#nextCallMs) return { type: 'wait', untilMs: earlier(this.#nextCallMs, untilMs) };
    if (!this.#isWanted) return this.#giveBack(wallMs);
    if (this.#known === 'unknown') return { type: 'call', call: { type: 'look' } };
    if (this.#held !== undefined) return this.#write('renew', wallMs);
    if (nowMs >= this.#othersUntilMs || this.#isOurs(this.#known)) return this.#write('take', wallMs);
    if (this.#isWatched) return { type: 'wait', untilMs: this.#othersUntilMs };
    // Nobody tells of a change, so that it is looked for.
    this.#known = 'unknown';
    this.#nextCallMs = nowMs + this.#timings.retryPeriodMs;
    return { type: 'wait', untilMs: earlier(this.#nextCallMs, this.#othersUntilMs) };
  }

  #giveBack(wallMs: number): LeaseStep {
    if (this.#held === undefined && !this.#isTakeOpen) return { type: 'wait', untilMs: undefined };
    if (this.#known === 'unknown') return { type: 'call', call: { type: 'look' } };
    if (this.#isOurs(this.#known)) {
      // Wanted again, it counts only once it was renewed: this may land at any time.
      this.#doubt();
      return this.#write('release', wallMs);
    }
    this.#letGo();
    return { type: 'wait', untilMs: undefined };
  }

  #write(purpose: 'take' | 'renew' | 'release', wallMs: number): LeaseStep {
    const before = this.#known === 'absent' || this.#known === 'unknown' ? undefined : this.#known;
    this.#writes = (this.#writes + 1) % MICROS;
    // Never the same text twice in a row: a write that changes nothing makes no new version, and nobody would see it.
    const renewTime = microTime(wallMs, this.#writes);
    this.#claim ??= renewTime;
    const isOurs = before?.record.holder === this.#identity;
    const record: LeaseRecord = {
      holder: purpose === 'release' ? '' : this.#identity,
      durationMs: this.#timings.durationMs,
      acquireTime: this.#claim,
      renewTime,
      transitions: before === undefined ? 0 : before.record.transitions + (isOurs ? 0 : 1),
    };
    const resourceVersion = before?.resourceVersion;
    return { type: 'call', call: { type: 'write', purpose, record, resourceVersion } };
  }

  #failed(call: LeaseCall, nowMs: number): void {
    const { retryPeriodMs } = this.#timings;
    this.#nextCallMs = nowMs + (this.#isWanted ? retryPeriodMs : retryPeriodMs / HURRY);
    if (call.type !== 'write' || call.purpose === 'renew') return;
    this.#known = 'unknown';
    if (call.purpose === 'take') this.#isTakeOpen = true;
  }

  #refused(nowMs: number): void {
    this.#known = 'unknown';
    this.#nextCallMs = nowMs;
    this.#doubt();
  }

  #found(lease: StoredLease | undefined, nowMs: number): void {
    this.#nextCallMs = nowMs;
    if (this.#held !== undefined && lease !== undefined && lease.record.holder !== this.#identity) {
      if (this.#isWanted) this.#loss = 'taken';
      this.#letGo();
    }
    this.#see(lease, nowMs);
  }

  #stored(purpose: 'take' | 'renew' | 'release', lease: StoredLease, sentAtMs: number, nowMs: number): void {
    this.#known = lease;
    if (purpose === 'release') {
      this.#letGo();
      this.#othersUntilMs = nowMs;
      return;
    }
    const untilMs = sentAtMs + this.#timings.renewDeadlineMs;
    if (purpose === 'take' && untilMs <= nowMs) {
      // It took too long to be of use; what stands there now is ours to renew.
      this.#isTakeOpen = true;
      this.#nextCallMs = nowMs;
      return;
    }
    this.#isTakeOpen = false;
    this.#claim = lease.record.acquireTime;
    this.#held = { untilMs, isInDoubt: false };
    this.#nextCallMs = this.#isWanted ? sentAtMs + this.#timings.retryPeriodMs : nowMs;
  }

  /** Takes note of a version while this process holds nothing. */
  #see(lease: StoredLease | undefined, nowMs: number): void {
    this.#known = lease ?? 'absent';
    // Gone is not given back: whoever held it may not know yet.
    if (lease === undefined) return;
    const { holder, durationMs } = lease.record;
    if (this.#held !== undefined || this.#isOurs(lease)) return;
    this.#claim = undefined;
    if (holder === '') this.#othersUntilMs = nowMs;
    else if (lease.resourceVersion !== this.#othersVersion) this.#othersUntilMs = nowMs + durationMs;
    this.#othersVersion = lease.resourceVersion;
  }

  #isOurs(lease: StoredLease | 'absent' | 'unknown'): boolean {
    if (lease === 'absent' || lease === 'unknown' || lease.record.holder !== this.#identity) return false;
    return (
      this.#held !== undefined || (this.#claim !== undefined && lease.record.acquireTime === this.#claim)
    );
  }

  #doubt(): void {
    if (this.#held !== undefined) this.#held = { ...this.#held, isInDoubt: true };
  }

  #letGo(): void {
    this.#held = undefined;
    this.#lookUntilMs = undefined;
    this.#isTakeOpen = false;
    this.#claim = undefined;
  }

  #expire(nowMs: number): void {
    if (this.#isTakeOpen && !this.#isWanted) {
      // Nothing was done under it: where the server is away, others wait until it expires, and this process can end.
      this.#lookUntilMs ??= nowMs + this.#timings.renewDeadlineMs / LOOKS;
      if (nowMs >= this.#lookUntilMs) this.#letGo();
    }
    if (this.#held === undefined || nowMs < this.#held.untilMs) return;
    if (this.#isWanted) this.#loss ??= 'expired';
    this.#letGo();
  }
}

function earlier(oneMs: number, otherMs: number | undefined): number {
  return otherMs === undefined ? oneMs : Math.min(oneMs, otherMs);
}
