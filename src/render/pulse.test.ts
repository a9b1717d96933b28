import { expect, test } from 'vitest';
import { EvaluatorPulse } from './pulse.ts';

const STATS = {
  ...{ busy: 0, idle: 0, queued: 0, started: 0, recycled: 0, killed: 0 },
  ...{ hasSpare: false, memoryBytes: 0, peakWorkerMemoryBytes: 0 },
};

/** A pool whose answers come when the test says so, and a clock that only the test moves. */
function setUp() {
  const beats: PromiseWithResolvers<void>[] = [];
  const clock = { ms: 0 };
  const pulse = new EvaluatorPulse(
    {
      stats: STATS,
      format: async () => {
        const beat = Promise.withResolvers<void>();
        beats.push(beat);
        await beat.promise;
        return { ok: true, text: 'x: 1\n' };
      },
    },
    () => clock.ms,
  );
  return { beats, clock, pulse };
}

test('liveness waits for no worker that is slow to start, and fails when none has worked for minutes', async () => {
  const { beats, clock, pulse } = setUp();
  expect(pulse.deadlock()).toBeUndefined();
  expect(beats).toHaveLength(1);
  beats[0]?.reject(new Error('no memory'));
  expect(await pulse.problem()).toBe('no memory');
  expect(pulse.deadlock()).toBeUndefined();
  clock.ms += 121_000;
  expect(pulse.deadlock()).toBe('no memory');
  beats[1]?.resolve();
  expect(await pulse.problem()).toBeUndefined();
  expect(pulse.deadlock()).toBeUndefined();
});

test('idle workers are not kept by the question whether they work', async () => {
  const { beats, clock, pulse } = setUp();
  const first = pulse.problem();
  beats[0]?.resolve();
  expect(await first).toBeUndefined();
  // A minute without work is when an idle worker ends.
  for (let second = 0; second < 180; second += 10) {
    clock.ms += 10_000;
    expect(pulse.deadlock()).toBeUndefined();
    expect(await pulse.problem()).toBeUndefined();
  }
  expect(beats).toHaveLength(1);
});
