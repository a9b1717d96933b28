import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isProtected, pruneHold } from './hold.ts';

const PROTECTION = 'pequod.io/prune-protection';
const GRACE = 'pequod.io/prune-grace-period';
const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

describe('what an object says against being pruned', () => {
  it('is nothing where it says nothing', () => {
    expect(pruneHold(undefined, undefined, NOW_MS)).toBeUndefined();
    expect(pruneHold({ other: 'true' }, undefined, NOW_MS)).toBeUndefined();
  });

  it.each(['true', 'True', 'yes', '', '1'])('protects with %j', (value) => {
    expect(isProtected({ [PROTECTION]: value })).toBe(true);
    expect(pruneHold({ [PROTECTION]: value }, undefined, NOW_MS)).toMatchObject({ reason: 'Protected' });
  });

  it.each(['false', 'False'])('does not protect with %j', (value) => {
    expect(pruneHold({ [PROTECTION]: value }, undefined, NOW_MS)).toBeUndefined();
  });

  it('counts a grace period from when the object could have gone', () => {
    expect(pruneHold({ [GRACE]: '1h' }, '2026-01-01T11:30:00Z', NOW_MS)).toEqual({
      ...{ reason: 'GracePeriod', message: 'goes at 2026-01-01T12:30:00Z' },
      untilMs: Date.parse('2026-01-01T12:30:00Z'),
    });
    expect(pruneHold({ [GRACE]: '1h' }, '2026-01-01T11:00:00Z', NOW_MS)).toBeUndefined();
    expect(pruneHold({ [GRACE]: '0' }, undefined, NOW_MS)).toBeUndefined();
  });

  it('is not lengthened by a time in the future, nor shortened by one that can not be read', () => {
    const untilMs = NOW_MS + 3_600_000;
    expect(pruneHold({ [GRACE]: '1h' }, '2030-01-01T00:00:00Z', NOW_MS)).toMatchObject({ untilMs });
    expect(pruneHold({ [GRACE]: '1h' }, 'long ago', NOW_MS)).toMatchObject({ untilMs });
  });

  it('keeps what it can not read, and lasts for any duration', () => {
    expect(pruneHold({ [GRACE]: '-1h' }, undefined, NOW_MS)).toMatchObject({ reason: 'Unknown' });
    expect(pruneHold({ [GRACE]: `${'9'.repeat(40)}h` }, undefined, NOW_MS)).toMatchObject({
      reason: 'GracePeriod',
    });
  });

  it('never lets an object go before its time, whatever is written on it', () => {
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (grace, since) => {
        const hold = pruneHold({ [GRACE]: grace, [PROTECTION]: 'true' }, since, NOW_MS);
        expect(hold?.reason).toBe('Protected');
        const later = pruneHold({ [GRACE]: grace }, since, NOW_MS);
        if (later?.untilMs !== undefined) expect(later.untilMs).toBeGreaterThan(NOW_MS);
      }),
    );
  });
});
