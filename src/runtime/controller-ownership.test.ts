import { describe, expect, it } from 'vitest';
import type { NamespacedName } from '../api/index.ts';
import { createLogger } from '../observability/index.ts';
import { Controller, type Reconcile, type ReconcileOutcome } from './controller.ts';
import { ManualClock } from './manual-clock.ts';
import type { KeyFilter, Ownership } from './ownership.ts';
import { DONE, REQUEUE, requeueAfter } from './result.ts';

const GRACE_MS = 1_000;
const never = new AbortController().signal;

/** An ownership that a test moves by hand. */
class HandOwnership implements Ownership {
  readonly owned = new Set<string>();
  #gained: (isGained: KeyFilter) => void = () => undefined;
  #leaving: (isLeaving: KeyFilter) => Promise<void> = async () => undefined;

  owns({ name }: NamespacedName): boolean {
    return this.owned.has(name);
  }

  onGained(handler: (isGained: KeyFilter) => void): () => void {
    this.#gained = handler;
    return () => undefined;
  }

  onLeaving(handler: (isLeaving: KeyFilter) => Promise<void>): () => void {
    this.#leaving = handler;
    return () => undefined;
  }

  gain(...names: readonly string[]): void {
    for (const name of names) this.owned.add(name);
    this.#gained(({ name }) => names.includes(name));
  }

  async give(name: string): Promise<void> {
    this.owned.delete(name);
    await this.#leaving((key) => key.name === name);
  }
}

function harness(reconcile: Reconcile) {
  const ownership = new HandOwnership();
  const clock = new ManualClock();
  const forgotten: string[] = [];
  const outcomes: ReconcileOutcome[] = [];
  const lines: string[] = [];
  const known = [key('a'), key('b')];
  const controller = new Controller({
    name: 'test',
    concurrency: 2,
    reconcile,
    log: createLogger('info', { write: (line: string) => lines.push(line) }),
    clock,
    random: () => 0.5,
    onReconcile: ({ result }) => outcomes.push(result),
    ownership: {
      of: ownership,
      knownKeys: () => known,
      forget: (isLeaving) => {
        forgotten.push(...known.filter(isLeaving).map(({ name }) => name));
      },
      leaveGraceMs: GRACE_MS,
    },
  });
  return { clock, controller, forgotten, lines, outcomes, ownership };
}

function key(name: string): NamespacedName {
  return { namespace: 'shop', name };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a controller that shares the keys with others', () => {
  it('drops keys that are not its own, and takes up all that there are when they become its own', async () => {
    const seen: string[] = [];
    const { controller, ownership } = harness(async ({ name }) => {
      seen.push(name);
      return DONE;
    });
    await controller.start(never);
    controller.enqueue(key('a'));
    controller.enqueue(key('b'));
    await controller.waitUntilIdle(never);
    expect(seen).toEqual([]);
    ownership.gain('b');
    await controller.waitUntilIdle(never);
    expect(seen).toEqual(['b']);
  });

  it('gives up a key when its reconcile is over, and forgets it then', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { controller, forgotten, ownership, outcomes } = harness(async () => {
      await opened;
      return requeueAfter(5_000);
    });
    await controller.start(never);
    ownership.gain('a');
    await turn();
    let isGiven = false;
    const given = ownership.give('a').then(() => {
      isGiven = true;
    });
    controller.enqueue(key('a'));
    await turn();
    expect([isGiven, forgotten]).toEqual([false, []]);
    open();
    await given;
    expect(forgotten).toEqual(['a']);
    await controller.waitUntilIdle(never);
    expect(outcomes).toEqual(['requeueAfter']);
    expect(controller.stats()).toMatchObject({ waiting: 0, delayed: 0, failing: 0, processing: 0 });
  });

  it('takes delays and failures of a key that leaves with it, and leaves those of others', async () => {
    const { controller, ownership, clock } = harness(async () => REQUEUE);
    await controller.start(never);
    ownership.gain('a', 'b');
    await controller.waitUntilIdle(never);
    expect(controller.stats()).toMatchObject({ delayed: 2, failing: 2 });
    await ownership.give('a');
    expect(controller.stats()).toMatchObject({ delayed: 1, failing: 1 });
    clock.advance(60_000);
    await controller.waitUntilIdle(never);
    expect(controller.stats().reconciles).toBe(3);
  });

  it('aborts what goes on beyond the grace, and gives the key up only when that has ended', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const signals: AbortSignal[] = [];
    const { clock, controller, lines, outcomes, ownership } = harness(async (_key, { signal }) => {
      signals.push(signal);
      await opened;
      throw signal.reason;
    });
    await controller.start(never);
    ownership.gain('a');
    await turn();
    let isGiven = false;
    const given = ownership.give('a').then(() => {
      isGiven = true;
    });
    await turn();
    clock.advance(GRACE_MS - 1);
    await turn();
    expect(signals[0]?.aborted).toBe(false);
    clock.advance(1);
    await turn();
    expect([signals[0]?.aborted, isGiven]).toEqual([true, false]);
    open();
    await given;
    expect(outcomes).toEqual(['aborted']);
    expect(controller.stats()).toMatchObject({ delayed: 0, failing: 0, errors: 0 });
    expect(lines).toEqual([]);
  });

  it('begins anew with a key that comes back', async () => {
    const attempts: number[] = [];
    const { clock, controller, ownership } = harness(async (_key, { attempt }) => {
      attempts.push(attempt);
      return REQUEUE;
    });
    await controller.start(never);
    ownership.gain('a');
    await controller.waitUntilIdle(never);
    clock.advance(60_000);
    await controller.waitUntilIdle(never);
    await ownership.give('a');
    ownership.gain('a');
    await controller.waitUntilIdle(never);
    expect(attempts).toEqual([0, 1, 0]);
  });
});
