import { describe, expect, it } from 'vitest';
import { RepairPace } from './repair-pace.ts';

const config = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'config' };

/** Repairs an object as often as it may be for this long, as if someone undid each repair at once. */
function fight(pace: RepairPace, fromMs: number, durationMs: number): readonly number[] {
  const times: number[] = [];
  for (let nowMs = fromMs; nowMs < fromMs + durationMs; ) {
    const nextAtMs = pace.nextAtMs(config, nowMs);
    if (nextAtMs === undefined) {
      times.push(nowMs);
      pace.repaired(config, nowMs);
    }
    nowMs = nextAtMs ?? nowMs + 1;
  }
  return times;
}

describe('the pace of repairs', () => {
  it('lets the first repairs through, then makes each wait longer, and never ends', () => {
    const times = fight(new RepairPace(), 0, 10 * 60_000);
    const gaps = times.slice(5).map((time, index) => Math.round((time - (times[index + 4] ?? 0)) / 1000));
    expect(gaps.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(gaps.length).toBeGreaterThan(12);
  });

  it('forgets the fight once the object is left alone', () => {
    const pace = new RepairPace();
    fight(pace, 0, 10 * 60_000);
    expect(pace.nextAtMs(config, 10 * 60_000)).toBeDefined();
    expect(fight(pace, 13 * 60_000, 100)).toHaveLength(5);
  });

  it('is kept for each object by itself', () => {
    const pace = new RepairPace();
    fight(pace, 0, 1_000);
    expect(pace.nextAtMs(config, 1_000)).toBeDefined();
    expect(pace.nextAtMs({ ...config, name: 'other' }, 1_000)).toBeUndefined();
  });
});
