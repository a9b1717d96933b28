import { expect, it } from 'vitest';
import type { NamespacedName } from '../api/index.ts';
import { silentLogger } from '../observability/index.ts';
import { Controller, type Reconcile } from './controller.ts';
import type { Gate } from './gate.ts';
import { ManualClock } from './manual-clock.ts';
import { DONE } from './result.ts';

const WEB: NamespacedName = { namespace: 'shop', name: 'web' };
const never = new AbortController().signal;

/** A gate that is closed until it is told to open. */
class ClosedGate implements Gate {
  readonly #opening = Promise.withResolvers<void>();
  isOpen = false;

  open(): void {
    this.isOpen = true;
    this.#opening.resolve();
  }

  async opened(signal: AbortSignal): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    await Promise.race([this.#opening.promise, promise]);
  }
}

function controllerBehind(gate: Gate, reconcile: Reconcile, clock = new ManualClock()): Controller {
  return new Controller({
    name: 'test',
    concurrency: 1,
    reconcile,
    log: silentLogger(),
    gate,
    clock,
    reconcileTimeoutMs: 1_000,
  });
}

it('begins no reconcile behind a closed gate, and all that wait when it opens', async () => {
  const gate = new ClosedGate();
  const seen: string[] = [];
  const controller = controllerBehind(gate, async ({ name }) => {
    seen.push(name);
    return DONE;
  });
  await controller.start(never);
  controller.enqueue(WEB);
  controller.enqueue({ ...WEB, name: 'other' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([]);
  gate.open();
  await controller.waitUntilIdle(never);
  expect(seen).toEqual(['web', 'other']);
});

it('stops behind a closed gate without a reconcile', async () => {
  const seen: string[] = [];
  const controller = controllerBehind(new ClosedGate(), async ({ name }) => {
    seen.push(name);
    return DONE;
  });
  await controller.start(never);
  controller.enqueue(WEB);
  await new Promise((resolve) => setImmediate(resolve));
  await controller.stop();
  expect(seen).toEqual([]);
  expect(controller.isIdle()).toBe(true);
});

it('calls nothing a deadlock that waits for a gate, however long', async () => {
  const clock = new ManualClock();
  const gate = new ClosedGate();
  const controller = controllerBehind(gate, async () => DONE, clock);
  await controller.start(never);
  controller.enqueue(WEB);
  controller.enqueue({ ...WEB, name: 'other' });
  clock.advance(3_600_000);
  expect(controller.deadlock()).toBeUndefined();
  gate.open();
  await controller.waitUntilIdle(never);
  expect(controller.deadlock()).toBeUndefined();
});

it('calls a reconcile a deadlock that ignores its signal for a minute', async () => {
  const clock = new ManualClock();
  const gate = new ClosedGate();
  gate.open();
  const controller = controllerBehind(gate, () => new Promise(() => undefined), clock);
  await controller.start(never);
  controller.enqueue(WEB);
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1_000);
  expect(controller.health()).toBe('reconciles that run on past their deadline: 1');
  expect(controller.deadlock()).toBeUndefined();
  clock.advance(60_001);
  expect(controller.deadlock()).toBe('reconciles that ignore that their time is up: 1');
});
