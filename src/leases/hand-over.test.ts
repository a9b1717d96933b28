import { expect, test } from 'vitest';
import type { KeyFilter, Ownership } from '../runtime/index.ts';
import { ManualClock } from '../runtime/manual-clock.ts';
import { WriteFence } from './fence.ts';
import { HandOver } from './hand-over.ts';

const KEY = { namespace: 'shop', name: 'web' };

/** Owns everything, and writes down what happens. */
function setUp(): {
  readonly clock: ManualClock;
  readonly handOver: HandOver;
  readonly said: string[];
  readonly landed: PromiseWithResolvers<void>;
} {
  const [said, clock, landed] = [[] as string[], new ManualClock(), Promise.withResolvers<void>()];
  const all: Ownership = {
    owns: () => true,
    onGained: () => () => undefined,
    onLeaving: () => () => undefined,
  };
  const fence = new WriteFence();
  const writesSettled = async (): Promise<void> => {
    expect(() => fence.mayWrite()).toThrow(/is stopping/);
    said.push('no write leaves');
    await landed.promise;
  };
  const giveBack = async (): Promise<void> => {
    said.push('given back');
  };
  return { clock, said, landed, handOver: new HandOver({ of: all, fence, writesSettled, giveBack, clock }) };
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test('no key is taken any more, what runs ends, what was written lands, then it is given back', async () => {
  const { handOver, landed, said } = setUp();
  const work = Promise.withResolvers<void>();
  handOver.onLeaving((isLeaving: KeyFilter) => {
    said.push(`leaving: ${isLeaving(KEY)}, owned: ${handOver.owns(KEY)}`);
    return work.promise;
  });
  expect(handOver.owns(KEY)).toBe(true);
  const done = handOver.run();
  await turn();
  expect(said).toEqual(['leaving: true, owned: false']);
  work.resolve();
  await turn();
  expect(said.slice(1)).toEqual(['no write leaves']);
  landed.resolve();
  await done;
  expect(said.slice(2)).toEqual(['given back']);
  await handOver.run();
  expect(said).toHaveLength(3);
});

test('what does not end soon is not waited for', async () => {
  const { clock, handOver, landed, said } = setUp();
  handOver.onLeaving(() => new Promise(() => undefined));
  landed.resolve();
  const done = handOver.run();
  await turn();
  clock.advance(499);
  await turn();
  expect(said).toEqual([]);
  clock.advance(1);
  await done;
  expect(said).toEqual(['no write leaves', 'given back']);
});
