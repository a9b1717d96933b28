import { describe, expect, it } from 'vitest';
import type { NamespacedName } from '../api/index.ts';
import { PequodError, TerminalError, WaitingError } from '../errors.ts';
import { createLogger } from '../observability/index.ts';
import { Controller, type ControllerOptions, type Reconcile, type ReconcileReport } from './controller.ts';
import { ManualClock } from './manual-clock.ts';
import { DONE, REQUEUE, requeueAfter } from './result.ts';

const SHOP: NamespacedName = { namespace: 'shop', name: 'web' };
const BANK: NamespacedName = { namespace: 'bank', name: 'web' };
const never = new AbortController().signal;

interface Harness {
  readonly controller: Controller;
  readonly clock: ManualClock;
  readonly reports: ReconcileReport[];
  readonly lines: string[];
  /** Starts, and waits until nothing is left to do now. */
  settle(): Promise<void>;
}

function harness(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Harness {
  const clock = new ManualClock();
  const reports: ReconcileReport[] = [];
  const lines: string[] = [];
  const controller = new Controller({
    name: 'test',
    concurrency: 2,
    reconcile,
    log: createLogger('info', { write: (line: string) => lines.push(line) }),
    clock,
    random: () => 0.5,
    onReconcile: (report) => reports.push(report),
    ...options,
  });
  const settle = async (): Promise<void> => {
    await controller.start(never);
    await controller.waitUntilIdle(never);
  };
  return { controller, clock, reports, lines, settle };
}

/** A promise and the function that resolves it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** Rejects with the signal's reason, as everything that waits should. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

describe('Controller', () => {
  it('reconciles each enqueued key once, also those that came before the start', async () => {
    const seen: NamespacedName[] = [];
    const { controller, settle, reports } = harness(async (key) => {
      seen.push(key);
      return DONE;
    });
    controller.enqueue(SHOP);
    controller.enqueue(BANK);
    controller.enqueue(SHOP);
    await settle();
    expect(seen).toEqual([SHOP, BANK]);
    expect(reports).toMatchObject([
      { controller: 'test', key: SHOP, result: 'done' },
      { controller: 'test', key: BANK, result: 'done' },
    ]);
    expect(controller.stats()).toMatchObject({
      reconciles: 2,
      errors: 0,
      delayed: 0,
      failing: 0,
      overdue: 0,
    });
  });

  it('runs one reconcile a key, and up to its concurrency in all', async () => {
    const running = new Map<string, number>();
    let most = 0;
    const { controller, settle } = harness(async ({ name }) => {
      running.set(name, (running.get(name) ?? 0) + 1);
      most = Math.max(most, running.size);
      expect(running.get(name)).toBe(1);
      await Promise.resolve();
      if (name === 'k0' && controller.stats().reconciles < 10) controller.enqueue({ namespace: 'n', name });
      running.delete(name);
      return DONE;
    });
    for (let index = 0; index < 20; index += 1) controller.enqueue({ namespace: 'n', name: `k${index % 5}` });
    await settle();
    expect(most).toBe(2);
    expect(controller.stats().reconciles).toBeGreaterThan(5);
  });

  it.each([
    ['requeue', REQUEUE, 1_000],
    ['requeueAfter', requeueAfter(30_000), 30_000],
  ])('comes back after %s', async (_name, result, delayMs) => {
    const { controller, settle, clock } = harness(async () => result, {
      backoff: { baseMs: 1_000, factor: 2, maxMs: 10_000, jitter: 0 },
    });
    controller.enqueue(SHOP);
    await settle();
    clock.advance(delayMs - 1);
    expect(controller.isIdle()).toBe(true);
    clock.advance(1);
    expect(controller.isIdle()).toBe(false);
  });

  it.each<[string, () => unknown, number | undefined, string]>([
    ['never', () => new TerminalError('a cycle', { code: 'CYCLE', reason: 'Cycle' }), undefined, 'warn'],
    ['backoff', () => new PequodError('no route', { code: 'X', reason: 'X', retry: 'backoff' }), 750, 'warn'],
    ['afterMs', () => new WaitingError('no namespace yet', { afterMs: 10_000 }), 10_500, 'info'],
    ['a bug', () => new TypeError('undefined is not a function'), 750, 'error'],
    ['no error at all', () => 'a string', 750, 'error'],
  ])('handles what was thrown by what it says: %s', async (_name, make, delayMs, level) => {
    const { controller, settle, clock, reports, lines } = harness(async () => {
      throw make();
    });
    controller.enqueue(SHOP);
    await settle();
    expect(reports).toMatchObject([{ result: 'error' }]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level, controller: 'test', namespace: 'shop', name: 'web', reconcileID: expect.any(String) },
    ]);
    clock.advance((delayMs ?? 1e9) - 1);
    expect(controller.isIdle()).toBe(true);
    clock.advance(1);
    expect(controller.isIdle()).toBe(delayMs === undefined);
  });

  it('survives a reconcile that throws before it gives a promise, or gives none, and logs the stack', async () => {
    const rude: Reconcile = () => {
      throw new RangeError('too soon');
    };
    const { controller, settle, lines } = harness(rude);
    controller.enqueue(SHOP);
    await settle();
    controller.enqueue(BANK);
    await settle();
    expect(controller.stats()).toMatchObject({ reconciles: 2, errors: 2 });
    expect(lines[0]).toContain('RangeError: too soon\\n    at ');
  });

  it('survives its hook', async () => {
    const { controller, settle } = harness(async () => DONE, {
      onReconcile: () => {
        throw new Error('hook');
      },
    });
    controller.enqueue(SHOP);
    await settle();
    expect(controller.stats()).toMatchObject({ reconciles: 1, errors: 0 });
  });

  it('counts failures in a row, and starts over after a success', async () => {
    const attempts: number[] = [];
    const { controller, settle, clock } = harness(async (_key, { attempt }) => {
      attempts.push(attempt);
      if (attempts.length === 3) return DONE;
      throw new Error('again');
    });
    controller.enqueue(SHOP);
    for (let round = 0; round < 4; round += 1) {
      await settle();
      clock.advance(300_000);
      if (round === 2) controller.enqueue(SHOP);
    }
    await settle();
    expect(attempts).toEqual([0, 1, 2, 0, 1]);
  });

  it('never waits longer than an error says whose delays grow', async () => {
    let starts = 0;
    const { controller, clock, settle } = harness(async () => {
      starts += 1;
      throw new PequodError('quota', { code: 'X', reason: 'X', retry: { backoffToMs: 60_000 } });
    });
    controller.enqueue(SHOP);
    await settle();
    // 1 s, 2 s, … 32 s, and from then on the longest that the error allows.
    for (let minute = 0; minute < 12; minute += 1) {
      clock.advance(60_000);
      await settle();
    }
    expect(starts).toBe(13);
  });

  it('aborts a reconcile at its deadline and tries again with backoff', async () => {
    const { controller, clock, settle, reports } = harness((_key, { signal }) => untilAborted(signal), {
      reconcileTimeoutMs: 60_000,
    });
    await controller.start(never);
    controller.enqueue(SHOP);
    await Promise.resolve();
    clock.advance(60_000);
    expect(controller.health()).toBe('reconciles that run on past their deadline: 1');
    await settle();
    expect(reports).toMatchObject([
      { result: 'error', durationMs: 60_000, error: { code: 'RECONCILE_TIMEOUT' } },
    ]);
    expect(controller.health()).toBeUndefined();
    expect(controller.stats()).toMatchObject({ delayed: 1, overdue: 0 });
  });

  it('gives the place of a reconcile that waits for long to others, and runs no key twice meanwhile', async () => {
    const slow = gate();
    const ended: string[] = [];
    const running = new Set<string>();
    const { controller, clock, settle } = harness(
      async ({ name }, { aside }) => {
        expect(running.has(name)).toBe(false);
        running.add(name);
        if (name === 'slow') await aside(slow.opened);
        running.delete(name);
        ended.push(name);
        return DONE;
      },
      { concurrency: 1 },
    );
    await controller.start(never);
    for (const name of ['slow', 'first', 'second']) controller.enqueue({ namespace: 'n', name });
    await Promise.resolve();
    clock.advance(99);
    controller.enqueue({ namespace: 'n', name: 'slow' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toEqual([]);
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toEqual(['first', 'second']);
    expect(controller.stats()).toMatchObject({ processing: 1, aside: 1 });
    slow.open();
    await settle();
    expect(ended).toEqual(['first', 'second', 'slow', 'slow']);
    expect(controller.stats()).toMatchObject({ processing: 0, aside: 0, waiting: 0 });
  });

  it('is told by a reconcile that waits aside what its work rejected with', async () => {
    const { controller, settle, reports } = harness(async (_key, { aside }) => {
      await aside(Promise.reject(new WaitingError('no answer', { afterMs: 1_000 })));
      return DONE;
    });
    controller.enqueue(SHOP);
    await settle();
    expect(reports).toMatchObject([{ result: 'error', error: { message: 'no answer' } }]);
  });

  it('leaves no timer behind', async () => {
    const { controller, clock, settle } = harness(async () => DONE);
    for (let index = 0; index < 100; index += 1) controller.enqueue({ namespace: 'n', name: `k${index}` });
    await settle();
    expect(clock.timers).toBe(0);
  });
});

describe('Controller.stop', () => {
  it('lets running reconciles end, and takes no further key', async () => {
    const work = gate();
    const { controller, reports } = harness(
      async () => {
        await work.opened;
        return requeueAfter(1);
      },
      { concurrency: 1 },
    );
    await controller.start(never);
    controller.enqueue(SHOP);
    controller.enqueue(BANK);
    await Promise.resolve();
    const stopped = controller.stop();
    work.open();
    await stopped;
    controller.enqueue(BANK);
    expect(reports).toMatchObject([{ key: SHOP, result: 'requeueAfter' }]);
    expect(controller.stats()).toMatchObject({ waiting: 0, processing: 0, delayed: 0 });
  });

  it('aborts what runs on after the grace time, without taking that for a failure', async () => {
    const { controller, clock, reports, lines } = harness((_key, { signal }) => untilAborted(signal));
    await controller.start(never);
    controller.enqueue(SHOP);
    await Promise.resolve();
    const stopped = controller.stop(1_000);
    clock.advance(1_000);
    await stopped;
    expect(reports).toMatchObject([{ result: 'aborted' }]);
    expect(controller.stats().errors).toBe(0);
    expect(lines).toEqual([]);
  });

  it('leaves behind what ignores its signal, and says so', async () => {
    const { controller, clock, lines } = harness(() => new Promise(() => undefined));
    await controller.start(never);
    controller.enqueue(SHOP);
    await Promise.resolve();
    const stopped = controller.stop(1_000);
    let isStopped = false;
    void stopped.then(() => {
      isStopped = true;
    });
    while (!isStopped) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lines.join()).toContain('left reconciles behind');
  });
});
