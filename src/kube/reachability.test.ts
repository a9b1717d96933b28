import { expect, it } from 'vitest';
import { createLogger } from '../observability/index.ts';
import { Reachability } from './reachability.ts';

const never = new AbortController().signal;

interface Harness {
  readonly reachability: Reachability;
  readonly lines: string[];
  looks: number;
  isAway: boolean;
}

function harness(): Harness {
  const lines: string[] = [];
  const world: Harness = {
    lines,
    looks: 0,
    isAway: true,
    reachability: new Reachability({
      look: async () => {
        world.looks += 1;
        if (world.isAway) throw new Error('connection refused');
      },
      log: createLogger('info', { write: (line: string) => lines.push(line) }),
      now: Date.now,
      random: () => 0.5,
    }),
  };
  return world;
}

it('makes no look while nobody misses an answer', async () => {
  const world = harness();
  expect(world.reachability.isOpen).toBe(true);
  await world.reachability.opened(never);
  expect(world.looks).toBe(0);
});

it('takes a server that says it serves for one that was never away', async () => {
  const world = harness();
  world.isAway = false;
  let isTold = false;
  world.reachability.onBack(() => {
    isTold = true;
  });
  world.reachability.unanswered();
  await expect.poll(() => world.looks).toBe(1);
  await world.reachability.stop();
  expect([world.reachability.isOpen, isTold, world.lines]).toEqual([true, false, []]);
});

it('looks alone for all who miss an answer, and tells them all once it is back', async () => {
  const world = harness();
  const { reachability } = world;
  const told: string[] = [];
  reachability.onBack(() => told.push('first'));
  reachability.onBack(() => {
    throw new Error('broken');
  });
  reachability.onBack(() => told.push('last'));
  for (let call = 0; call < 100; call += 1) reachability.unanswered();
  await expect.poll(() => reachability.outage?.problem).toBe('connection refused');
  expect(world.looks).toBeLessThan(10);
  const opened = reachability.opened(never);
  world.isAway = false;
  await opened;
  expect(reachability.isOpen).toBe(true);
  expect(told).toEqual(['first', 'last']);
  expect(world.lines.filter((line) => line.includes('does not answer'))).toHaveLength(1);
  expect(world.lines.filter((line) => line.includes('answers again'))).toHaveLength(1);
});

it('lets go of who waits when it is told to, and when it stops', async () => {
  const { reachability } = harness();
  reachability.unanswered();
  await expect.poll(() => reachability.isOpen).toBe(false);
  await expect(reachability.opened(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  const opened = reachability.opened(never);
  await reachability.stop();
  await opened;
});
