import { describe, expect, it } from 'vitest';
import { TransportError } from './errors.ts';
import { RetryPolicy } from './retry-policy.ts';

const ERROR = new TransportError('connection', 'reset');

function policy(): { readonly retries: RetryPolicy; pass(ms: number): void } {
  let nowMs = 0;
  const retries = new RetryPolicy(
    {},
    () => 0,
    () => nowMs,
  );
  return {
    retries,
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

/** A stream that lives this long, then ends. */
function live(run: ReturnType<typeof policy>, ms: number): void {
  run.retries.begin();
  run.retries.live();
  run.pass(ms);
}

describe('retries', () => {
  it('grow from 0.8 s to 30 s', () => {
    const { retries } = policy();
    const delays = Array.from({ length: 8 }, () => retries.afterError(ERROR));
    expect(delays).toEqual([800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]);
  });

  it('start anew only after two minutes of health', () => {
    const run = policy();
    for (let index = 0; index < 8; index += 1) run.retries.afterError(ERROR);
    live(run, 119_000);
    expect(run.retries.afterError(ERROR)).toBe(30_000);
    live(run, 120_000);
    expect(run.retries.afterError(ERROR)).toBe(800);
  });

  it('follow at once on a stream that ended after a life, not on one that ended at once', () => {
    const run = policy();
    live(run, 1_000);
    expect(run.retries.afterEnd()).toBe(0);
    live(run, 999);
    expect(run.retries.afterEnd()).toBe(800);
    run.retries.begin();
    run.pass(5_000);
    expect(run.retries.afterEnd()).toBe(1_600);
  });

  it('list at once when a version is too old, but not over and over', () => {
    const run = policy();
    expect(run.retries.afterExpiry()).toBe(0);
    expect(run.retries.afterExpiry()).toBe(800);
    run.pass(31_000);
    expect(run.retries.afterExpiry()).toBe(0);
  });

  it('come soon after a kind is first missing, then slowly', () => {
    const { retries } = policy();
    const delays = Array.from({ length: 6 }, () => retries.afterRefusal());
    expect(delays).toEqual([200, 800, 3_200, 12_800, 51_200, 60_000]);
  });

  it('are never sooner than the server asks', () => {
    const { retries } = policy();
    const asked = Object.assign(new TransportError('connection', 'x'), { retry: { afterMs: 5_000 } });
    expect(retries.afterError(asked)).toBe(5_000);
  });

  it('are spread by at most half', () => {
    const retries = new RetryPolicy(
      {},
      () => 1,
      () => 0,
    );
    expect(retries.afterError(ERROR)).toBe(400);
  });
});
