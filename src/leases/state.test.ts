import { expect, test } from 'vitest';
import { type LeaseRecord, microTime, type StoredLease } from './record.ts';
import { type LeaseCall, LeaseState, type LeaseStep } from './state.ts';
import { DEFAULT_LEASE_TIMINGS, timingsProblem } from './timings.ts';

const WALL_MS = Date.UTC(2030, 0, 1);

function record(holder: string, more: Partial<LeaseRecord> = {}): LeaseRecord {
  const time = microTime(WALL_MS, 0);
  return { holder, durationMs: 15_000, acquireTime: time, renewTime: time, transitions: 0, ...more };
}

function lease(resourceVersion: string, of: LeaseRecord): StoredLease {
  return { resourceVersion, record: of };
}

/** A process with a clock that the test moves. */
class Process {
  readonly state: LeaseState;
  nowMs = 1_000;

  constructor(identity = 'me') {
    this.state = new LeaseState(identity, DEFAULT_LEASE_TIMINGS);
    this.state.want();
    this.state.setWatched(true);
  }

  next(): LeaseStep {
    return this.state.next(this.nowMs, WALL_MS + this.nowMs);
  }

  /** The call that it makes now. */
  call(): LeaseCall {
    const step = this.next();
    if (step.type !== 'call') throw new Error(`waits until ${step.untilMs}`);
    return step.call;
  }

  write(): LeaseCall & { readonly type: 'write' } {
    const call = this.call();
    if (call.type !== 'write') throw new Error('only looks');
    return call;
  }

  look(found: StoredLease | undefined): void {
    expect(this.call()).toEqual({ type: 'look' });
    this.state.answered({ type: 'found', lease: found }, this.nowMs);
  }

  /** Makes the write that is due, and has it stored. */
  store(purpose: 'take' | 'renew' | 'release', resourceVersion: string): LeaseRecord {
    const call = this.write();
    expect(call.purpose).toBe(purpose);
    this.state.answered({ type: 'stored', lease: lease(resourceVersion, call.record) }, this.nowMs);
    return call.record;
  }

  get isHeld(): boolean {
    return this.state.isHeld(this.nowMs);
  }
}

/** A process that holds version 1. */
function holder(): Process {
  const process = new Process();
  process.look(undefined);
  process.store('take', '1');
  return process;
}

test('a Lease that does not exist is created, and renewed every retry period', () => {
  const process = new Process();
  process.look(undefined);
  expect(process.write()).toMatchObject({ purpose: 'take', resourceVersion: undefined });
  expect(process.isHeld).toBe(false);
  const first = record('me');
  process.state.answered({ type: 'stored', lease: lease('1', first) }, process.nowMs + 30);
  expect(process.isHeld).toBe(true);
  expect(process.next()).toEqual({ type: 'wait', untilMs: 3_000 });
  process.nowMs = 3_000;
  const renewal = process.write();
  expect(renewal).toMatchObject({ purpose: 'renew', resourceVersion: '1', record: { transitions: 0 } });
  // Where it did not change anything, there would be no new version for others to see.
  expect(renewal.record.renewTime).not.toBe(first.renewTime);
});

test("another's Lease is waited for from when it was last seen to change, whatever its times say", () => {
  const process = new Process();
  const renewTime = microTime(WALL_MS - 3_600_000, 0);
  process.look(lease('7', record('other', { renewTime })));
  expect(process.next()).toEqual({ type: 'wait', untilMs: 16_000 });
  process.nowMs = 10_000;
  process.state.observed(lease('8', record('other', { renewTime })), process.nowMs);
  process.nowMs = 16_000;
  expect(process.next()).toEqual({ type: 'wait', untilMs: 25_000 });
  process.nowMs = 25_000;
  expect(process.write()).toMatchObject({
    purpose: 'take',
    resourceVersion: '8',
    record: { holder: 'me', transitions: 1 },
  });
});

test('one that is given back is taken at once', () => {
  const process = new Process();
  process.look(lease('7', record('other')));
  process.next();
  process.state.observed(lease('8', record('')), process.nowMs);
  expect(process.write()).toMatchObject({ purpose: 'take', resourceVersion: '8' });
});

test('without a watch it is looked at every retry period, and taken when its holder has been silent', () => {
  const process = new Process();
  process.state.setWatched(false);
  const found = lease('7', record('other'));
  process.look(found);
  const lookedAtMs: number[] = [];
  while (process.nowMs < 16_000) {
    const step = process.next();
    if (step.type === 'call') {
      expect(step.call.type).toBe('look');
      lookedAtMs.push(process.nowMs);
      process.state.answered({ type: 'found', lease: found }, process.nowMs);
    } else process.nowMs = step.untilMs ?? Number.POSITIVE_INFINITY;
  }
  expect(lookedAtMs).toEqual([3_000, 5_000, 7_000, 9_000, 11_000, 13_000, 15_000]);
  process.nowMs = 17_000;
  process.look(found);
  expect(process.write()).toMatchObject({ purpose: 'take', resourceVersion: '7' });
});

test('it ends at the renew deadline, counted from before the request, and a process that was paused knows it', () => {
  const process = holder();
  process.nowMs = 3_000;
  const call = process.write();
  process.nowMs = 10_900;
  expect(process.isHeld).toBe(true);
  // The answer comes late: what counts is when it was sent.
  process.state.answered({ type: 'stored', lease: lease('2', call.record) }, process.nowMs);
  process.nowMs = 12_999;
  expect(process.isHeld).toBe(true);
  process.nowMs = 13_000;
  expect(process.isHeld).toBe(false);
  process.next();
  expect(process.state.loss).toBe('expired');
});

test('a renewal that is answered after the deadline does not bring it back', () => {
  const process = holder();
  process.nowMs = 3_000;
  const call = process.write();
  process.nowMs = 60_000;
  process.state.answered({ type: 'stored', lease: lease('2', call.record) }, process.nowMs);
  expect(process.isHeld).toBe(false);
  expect(process.state.loss).toBe('expired');
});

test('renewals that fail are tried again, and one that was stored without an answer is found', () => {
  const process = holder();
  process.nowMs = 3_000;
  const lost = process.write();
  process.state.answered({ type: 'failed' }, process.nowMs);
  expect(process.isHeld).toBe(true);
  process.nowMs = 5_000;
  expect(process.write()).toMatchObject({ purpose: 'renew', resourceVersion: '1' });
  process.state.answered({ type: 'refused' }, process.nowMs);
  process.look(lease('2', lost.record));
  process.store('renew', '3');
  expect(process.isHeld).toBe(true);
});

test('a take that was stored without an answer is known as its own, and renewed before it counts', () => {
  const process = new Process();
  process.look(undefined);
  const lost = process.write();
  process.state.answered({ type: 'failed' }, process.nowMs);
  process.nowMs = 3_000;
  process.look(lease('1', lost.record));
  expect(process.isHeld).toBe(false);
  expect(process.write()).toMatchObject({
    purpose: 'take',
    resourceVersion: '1',
    record: { transitions: 0 },
  });
});

test('its name in a Lease that it did not write is somebody else', () => {
  const raced = new Process();
  raced.look(undefined);
  raced.write();
  raced.state.answered({ type: 'refused' }, raced.nowMs);
  raced.look(lease('7', record('me')));
  expect(raced.next()).toEqual({ type: 'wait', untilMs: 16_000 });
  const process = new Process();
  process.look(lease('7', record('me')));
  expect(process.next()).toEqual({ type: 'wait', untilMs: 16_000 });
});

test('a Lease that somebody else has taken is lost for good', () => {
  const process = holder();
  process.state.observed(lease('2', record('thief')), process.nowMs);
  // It does not work on while it finds out.
  expect(process.isHeld).toBe(false);
  expect(process.write()).toMatchObject({ purpose: 'renew', resourceVersion: '1' });
  process.state.answered({ type: 'refused' }, process.nowMs);
  process.look(lease('2', record('thief')));
  expect(process.state.loss).toBe('taken');
  process.nowMs = 100_000;
  expect(process.next()).toEqual({ type: 'wait', untilMs: undefined });
});

test('a watch that is late costs a renewal and nothing else', () => {
  const process = holder();
  process.state.observed(lease('0', record('former')), process.nowMs);
  process.store('renew', '2');
  expect(process.isHeld).toBe(true);
});

test('a Lease that is deleted is made again by its holder, and taken by others only when its time is over', () => {
  const process = holder();
  process.state.observed(undefined, process.nowMs);
  expect(process.isHeld).toBe(false);
  process.write();
  process.state.answered({ type: 'refused' }, process.nowMs);
  process.look(undefined);
  expect(process.write()).toMatchObject({ purpose: 'renew', resourceVersion: undefined });

  const follower = new Process('other');
  follower.look(lease('1', record('me')));
  follower.next();
  follower.nowMs = 2_000;
  follower.state.observed(undefined, follower.nowMs);
  expect(follower.next()).toEqual({ type: 'wait', untilMs: 16_000 });
});

test('what is given back names nobody, and is held no longer from when that was asked for', () => {
  const process = holder();
  process.state.unwant();
  expect(process.isHeld).toBe(false);
  expect(process.state.mayHold).toBe(true);
  expect(process.store('release', '2')).toMatchObject({ holder: '', transitions: 0 });
  expect(process.state.mayHold).toBe(false);
  expect(process.next()).toEqual({ type: 'wait', untilMs: undefined });
  expect(process.state.loss).toBeUndefined();
});

test('one that is wanted again while it is being given back counts only when it was had again', () => {
  const process = holder();
  process.state.unwant();
  const release = process.write();
  process.state.want();
  expect(process.isHeld).toBe(false);
  process.state.answered({ type: 'failed' }, process.nowMs);
  expect(process.isHeld).toBe(false);
  process.nowMs = 3_100;
  process.look(lease('2', release.record));
  expect(process.isHeld).toBe(false);
});

test('who gives up while a take is under way gives back what it took', () => {
  const process = new Process();
  process.look(undefined);
  const take = process.write();
  process.state.unwant();
  process.state.answered({ type: 'failed' }, process.nowMs);
  expect(process.state.mayHold).toBe(true);
  process.nowMs += 200;
  process.look(lease('1', take.record));
  process.store('release', '2');
  expect(process.state.mayHold).toBe(false);
});

test('who gives up and never learns what became of a take looks for a while, and is done', () => {
  const process = new Process();
  process.look(undefined);
  process.write();
  const fail = (): void => process.state.answered({ type: 'failed' }, process.nowMs);
  fail();
  process.state.unwant();
  const [endMs, looks] = [process.nowMs + DEFAULT_LEASE_TIMINGS.durationMs, [] as string[]];
  while (process.state.mayHold && process.nowMs < endMs) {
    const step = process.next();
    if (step.type === 'call') {
      looks.push(step.call.type);
      fail();
    }
    process.nowMs += 100;
  }
  expect(process.state.mayHold).toBe(false);
  expect(process.next()).toEqual({ type: 'wait', untilMs: undefined });
  expect(looks.length).toBeGreaterThan(3);
  expect(new Set(looks)).toEqual(new Set(['look']));
});

test('timings that could make two holders, or lose a Lease to one failed call, are refused with a reason', () => {
  expect(timingsProblem(DEFAULT_LEASE_TIMINGS)).toBeUndefined();
  const wrong = (more: Partial<typeof DEFAULT_LEASE_TIMINGS>): string | undefined =>
    timingsProblem({ ...DEFAULT_LEASE_TIMINGS, ...more });
  expect(wrong({ renewDeadlineMs: 15_000 })).toMatch(/renew deadline must be shorter/);
  expect(wrong({ durationMs: 15_500 })).toMatch(/whole seconds/);
  expect(wrong({ durationMs: 0 })).toMatch(/whole seconds/);
  expect(wrong({ retryPeriodMs: 5_001 })).toMatch(/retry period/);
  expect(wrong({ retryPeriodMs: 0 })).toMatch(/retry period/);
});
