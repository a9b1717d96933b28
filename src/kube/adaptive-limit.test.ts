import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveLimit } from './adaptive-limit.ts';

function succeed(limit: AdaptiveLimit, times: number): void {
  for (let time = 0; time < times; time += 1) limit.succeeded();
}

describe('AdaptiveLimit', () => {
  it('halves what was in flight, and grows by one per round of successes', () => {
    const limit = new AdaptiveLimit(64);
    limit.overloaded(64, 0);
    expect(limit.limit).toBe(32);
    succeed(limit, 31);
    expect(limit.limit).toBe(32);
    succeed(limit, 1 + 33);
    expect(limit.limit).toBe(34);
    limit.overloaded(10, 5_000);
    expect(limit.limit).toBe(5);
  });

  it('is cut once a second, whatever comes back of the calls from before', () => {
    const limit = new AdaptiveLimit(64);
    for (let call = 0; call < 64; call += 1) limit.overloaded(64 - call, call);
    expect(limit.limit).toBe(32);
    limit.overloaded(32, 1_000);
    expect(limit.limit).toBe(16);
  });

  it('stays between one and the maximum, and comes back to it, whatever happens', () => {
    const events = fc.array(
      fc.record({ isGood: fc.boolean(), inFlight: fc.nat(70), ms: fc.nat(3_000), times: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), events, (max, list) => {
        const limit = new AdaptiveLimit(max);
        let now = 0;
        for (const { isGood, inFlight, ms, times } of list) {
          now += ms;
          if (isGood) succeed(limit, times);
          else limit.overloaded(inFlight, now);
          expect(limit.limit).toBeGreaterThanOrEqual(1);
          expect(limit.limit).toBeLessThanOrEqual(max);
        }
        succeed(limit, (max * (max + 1)) / 2);
        expect(limit.isAtMax).toBe(true);
      }),
    );
  });
});
