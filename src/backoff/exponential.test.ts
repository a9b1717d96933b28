import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BACKOFF, exponentialBackoff, withJitter } from './exponential.ts';

describe('exponentialBackoff', () => {
  it('doubles from one second to five minutes', () => {
    const delays = [1, 2, 3, 8, 9, 10, 1000].map((attempt) =>
      exponentialBackoff(DEFAULT_BACKOFF, attempt, () => 0),
    );
    expect(delays).toEqual([1_000, 2_000, 4_000, 128_000, 256_000, 300_000, 300_000]);
  });

  it('leaves the share named jitter to chance and never exceeds the maximum', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 2000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, chance) => {
          const full = exponentialBackoff(DEFAULT_BACKOFF, attempt, () => 0);
          const delay = exponentialBackoff(DEFAULT_BACKOFF, attempt, () => chance);
          expect(delay).toBeLessThanOrEqual(full);
          expect(delay).toBeGreaterThanOrEqual(full / 2);
          expect(full).toBeLessThanOrEqual(DEFAULT_BACKOFF.maxMs);
        },
      ),
    );
  });
});

it('withJitter only ever adds', () => {
  expect(withJitter(1_000, 0.1, () => 0)).toBe(1_000);
  expect(withJitter(1_000, 0.1, () => 0.5)).toBe(1_050);
});
