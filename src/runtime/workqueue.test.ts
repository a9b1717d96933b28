import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_TIMER_MS } from './clock.ts';
import { ManualClock } from './manual-clock.ts';
import { WorkQueue } from './workqueue.ts';

const EMPTY = { waiting: 0, waitingLow: 0, processing: 0, aside: 0, delayed: 0, failing: 0 };
const never = new AbortController().signal;
const EXACT = { baseMs: 1_000, factor: 2, maxMs: 300_000, jitter: 0 };

function newQueue(): { readonly queue: WorkQueue; readonly clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, queue: new WorkQueue({ clock, backoff: EXACT, random: () => 0 }) };
}

describe('WorkQueue', () => {
  it('hands out keys in the order of arrival, each once', async () => {
    const { queue } = newQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['a', 'b', 'c']);
    expect(queue.size()).toEqual({ ...EMPTY, processing: 3 });
  });

  it('wakes those who wait, first come first served', async () => {
    const { queue } = newQueue();
    const takers = [queue.take(), queue.take()];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(takers)).toEqual(['a', 'b']);
  });

  it('brings a key that was added during its work back once, after it', async () => {
    const { queue } = newQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.size().waiting).toBe(0);
    queue.done('a');
    expect(queue.size()).toEqual({ ...EMPTY, waiting: 1 });
    await queue.take();
    queue.done('a');
    expect(queue.size()).toEqual(EMPTY);
  });

  it('lets the earliest of several delays count, once', async () => {
    const { queue, clock } = newQueue();
    queue.addAfter('a', 5_000);
    queue.addAfter('a', 2_000);
    queue.addAfter('a', 9_000);
    clock.advance(1_999);
    expect(queue.size().waiting).toBe(0);
    clock.advance(1);
    expect(queue.size()).toEqual({ ...EMPTY, waiting: 1 });
    await queue.take();
    queue.done('a');
    clock.advance(60_000);
    expect(queue.size()).toEqual(EMPTY);
  });

  it('adds at once what has no delay', () => {
    const { queue } = newQueue();
    for (const [key, delayMs] of Object.entries({ a: 0, b: -5, c: Number.NaN })) queue.addAfter(key, delayMs);
    expect(queue.size().waiting).toBe(3);
  });

  it('has one timer however many keys are delayed, also for delays that no timer takes', () => {
    const { queue, clock } = newQueue();
    for (let key = 0; key < 1_000; key += 1) queue.addAfter(`k${key}`, MAX_TIMER_MS + 1_000 - key);
    expect(clock.timers).toBe(1);
    clock.advance(MAX_TIMER_MS);
    expect(queue.size()).toMatchObject({ waiting: 0, delayed: 1_000 });
    clock.advance(1_000);
    expect(queue.size()).toMatchObject({ waiting: 1_000, delayed: 0 });
    expect(clock.timers).toBe(0);
  });

  it('takes out what matches, wherever it is, and never hands it out again', async () => {
    const { queue, clock } = newQueue();
    for (const key of ['a1', 'b1', 'a2', 'b2']) queue.add(key);
    for (const key of ['a3', 'b3']) queue.addAfter(key, 1_000);
    await queue.take();
    queue.addRateLimited('a1');
    queue.add('a1');
    queue.remove((key) => key.startsWith('a'));
    queue.done('a1');
    expect(queue.size()).toEqual({ ...EMPTY, waiting: 2, delayed: 1 });
    clock.advance(300_000);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['b1', 'b2', 'b3']);
    expect(clock.timers).toBe(0);
  });

  it('is idle when the last key that waited is taken out', async () => {
    const { queue } = newQueue();
    queue.add('a');
    const idle = queue.waitUntilIdle(new AbortController().signal);
    queue.remove(() => true);
    await idle;
    expect(queue.size()).toEqual(EMPTY);
  });

  it('backs off per key until forgotten', async () => {
    const { queue, clock } = newQueue();
    const delays: number[] = [];
    queue.add('a');
    for (let round = 0; round < 10; round += 1) {
      await queue.take();
      delays.push(queue.addRateLimited('a'));
      queue.done('a');
      clock.advance(300_000);
    }
    expect(delays.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(delays.at(-1)).toBe(300_000);
    expect(queue.attempts('a')).toBe(10);
    expect(queue.attempts('b')).toBe(0);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(1_000);
  });

  it('keeps nothing of a key that is idle', async () => {
    const { queue, clock } = newQueue();
    for (let key = 0; key < 500; key += 1) queue.addRateLimited(`k${key}`);
    clock.advance(1_000);
    for (let key = 0; key < 500; key += 1) queue.done((await queue.take()) ?? '');
    expect(queue.size()).toEqual(EMPTY);
  });

  it('takes high priority first, also where it came by delay, by retry, or while the key was worked on', async () => {
    const { queue, clock } = newQueue();
    queue.add('low', 'low');
    queue.add('again', 'low');
    queue.addAfter('late', 1_000, 'low');
    queue.addAfter('late', 2_000, 'high');
    queue.add('retry');
    for (const key of ['retry', 'low', 'again']) expect(await queue.take()).toBe(key);
    queue.add('low', 'low');
    queue.add('again', 'low');
    queue.add('again');
    expect([queue.priorityOf('retry'), queue.priorityOf('low')]).toEqual(['high', 'low']);
    queue.addRateLimited('retry');
    for (const key of ['retry', 'low', 'again']) queue.done(key);
    clock.advance(1_000);
    const order = [await queue.take(), await queue.take(), await queue.take(), await queue.take()];
    expect(order.slice(0, 3).sort()).toEqual(['again', 'late', 'retry']);
    expect(order[3]).toBe('low');
  });

  it('tells how long a key was ready before it was taken', async () => {
    const clock = new ManualClock();
    const taken: [string, number][] = [];
    const queue = new WorkQueue({ clock, onTake: (priority, waitedMs) => taken.push([priority, waitedMs]) });
    queue.add('a', 'low');
    clock.advance(200);
    queue.add('a');
    queue.add('b', 'low');
    clock.advance(300);
    expect(queue.size()).toMatchObject({ waiting: 2, waitingLow: 1 });
    await queue.take();
    await queue.take();
    const taker = queue.take();
    queue.addAfter('c', 1_000);
    clock.advance(1_000);
    await taker;
    expect(taken).toEqual([
      ['high', 500],
      ['low', 300],
      ['high', 0],
    ]);
  });

  it('gives the place of a key that steps aside to others, and the next that is free back to it', async () => {
    const queue = new WorkQueue({ maxAside: 1 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect(await queue.take()).toBe('a');
    expect([queue.stepAside('a'), queue.stepAside('a'), queue.stepAside('b')]).toEqual([true, false, false]);
    expect(await queue.take()).toBe('b');
    expect(queue.stepAside('b')).toBe(false);
    let isBack = false;
    const back = queue.comeBack('a', never).then(() => {
      isBack = true;
    });
    queue.add('a');
    expect(queue.size()).toEqual({ ...EMPTY, waiting: 1, processing: 2, aside: 1 });
    expect(isBack).toBe(false);
    queue.done('b');
    expect(await queue.take()).toBeUndefined();
    await back;
    queue.done('a');
    expect([await queue.take(), await queue.take()]).toEqual(['c', 'a']);
    for (const key of ['c', 'a']) queue.done(key);
    expect(queue.size()).toEqual(EMPTY);
  });

  it('waits for no place for a key whose work was aborted, and has one less to give afterwards', async () => {
    const queue = new WorkQueue({ maxAside: 9 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await queue.take();
    queue.stepAside('a');
    await queue.take();
    await queue.comeBack('a', AbortSignal.abort());
    queue.done('b');
    expect(await queue.take()).toBeUndefined();
    queue.done('a');
    expect(await queue.take()).toBe('c');
  });

  it('lets those come back who stepped aside when it is shut down', async () => {
    const queue = new WorkQueue({ maxAside: 9 });
    for (const key of ['a', 'b']) queue.add(key);
    await queue.take();
    queue.stepAside('a');
    await queue.take();
    const back = queue.comeBack('a', never);
    const shutdown = queue.shutdown();
    await back;
    for (const key of ['a', 'b']) queue.done(key);
    await shutdown;
  });

  it('shuts down: lets takers go, drops what waits, ends with the last key in work', async () => {
    const { queue, clock } = newQueue();
    queue.add('a');
    await queue.take();
    const taker = queue.take();
    queue.addAfter('c', 1_000);
    let isOver = false;
    const shutdown = queue.shutdown().then(() => {
      isOver = true;
    });
    expect(await taker).toBeUndefined();
    queue.add('a');
    queue.add('d');
    queue.addAfter('e', 10);
    queue.addRateLimited('f');
    expect(queue.size()).toEqual({ ...EMPTY, processing: 1 });
    expect(clock.timers).toBe(0);
    expect(isOver).toBe(false);
    queue.done('a');
    await shutdown;
    expect(queue.size()).toEqual(EMPTY);
    expect(await queue.take()).toBeUndefined();
  });

  it('tells when it is idle, unless the one who waits gives up', async () => {
    const { queue } = newQueue();
    queue.add('a');
    const giveUp = new AbortController();
    const patient = queue.waitUntilIdle(new AbortController().signal);
    const impatient = queue.waitUntilIdle(giveUp.signal);
    giveUp.abort(new Error('too long'));
    await expect(impatient).rejects.toThrow('too long');
    await queue.take();
    queue.done('a');
    await patient;
    await expect(queue.waitUntilIdle(giveUp.signal)).rejects.toThrow('too long');
  });
});

type Step =
  | { readonly type: 'add'; readonly key: string }
  | { readonly type: 'retry'; readonly key: string }
  | { readonly type: 'forget'; readonly key: string }
  | { readonly type: 'delay'; readonly key: string; readonly ms: number }
  | { readonly type: 'take' }
  | { readonly type: 'done'; readonly pick: number }
  | { readonly type: 'advance'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('add' as const), key }),
    fc.record({ type: fc.constant('retry' as const), key }),
    fc.record({ type: fc.constant('forget' as const), key }),
    fc.record({ type: fc.constant('delay' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ type: fc.constant('take' as const) }),
    fc.record({ type: fc.constant('done' as const), pick: fc.nat() }),
    fc.record({ type: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 60 }) }),
  ),
  { maxLength: 120 },
);

describe('WorkQueue under random use', () => {
  /** The plainest queue that keeps the promises: what is due, what is delayed until when, what is in work. */
  class Model {
    readonly due = new Set<string>();
    readonly delayed = new Map<string, number>();
    readonly working = new Set<string>();

    delay(key: string, until: number): void {
      this.delayed.set(key, Math.min(until, this.delayed.get(key) ?? Number.POSITIVE_INFINITY));
    }

    advanceTo(now: number): void {
      for (const [key, until] of this.delayed) {
        if (until > now) continue;
        this.delayed.delete(key);
        this.due.add(key);
      }
    }
  }

  async function run(script: readonly Step[]): Promise<void> {
    const { queue, clock } = newQueue();
    const model = new Model();
    const take = async (): Promise<void> => {
      const available = [...model.due].filter((each) => !model.working.has(each));
      if (available.length === 0) return;
      const taken = (await queue.take()) ?? '';
      expect(available).toContain(taken);
      model.due.delete(taken);
      model.working.add(taken);
    };
    const finish = (pick: number): void => {
      const finished = [...model.working][pick % Math.max(1, model.working.size)];
      if (finished === undefined) return;
      queue.done(finished);
      model.working.delete(finished);
    };
    for (const step of script) {
      if (step.type === 'add') {
        queue.add(step.key);
        model.due.add(step.key);
      } else if (step.type === 'retry') {
        model.delay(step.key, clock.now() + queue.addRateLimited(step.key));
      } else if (step.type === 'forget') {
        queue.forget(step.key);
      } else if (step.type === 'delay') {
        queue.addAfter(step.key, step.ms);
        model.delay(step.key, clock.now() + step.ms);
      } else if (step.type === 'take') {
        await take();
      } else if (step.type === 'done') {
        finish(step.pick);
      } else {
        clock.advance(step.ms);
        model.advanceTo(clock.now());
      }
      const waiting = [...model.due].filter((each) => !model.working.has(each)).length;
      expect(queue.size()).toMatchObject({
        waiting,
        processing: model.working.size,
        delayed: model.delayed.size,
      });
    }
    while (model.due.size + model.delayed.size + model.working.size > 0) {
      clock.advance(300_000);
      model.advanceTo(clock.now());
      await take();
      finish(0);
    }
    expect(queue.size()).toEqual(EMPTY);
    expect(clock.timers).toBe(0);
  }

  it('never hands a key out twice, loses no add, and keeps the earliest deadline', async () => {
    await fc.assert(fc.asyncProperty(steps, run), { numRuns: 500 });
  });
});
