import { describe, expect, test } from 'vitest';
import type { GraphNode } from '../../api/index.ts';
import { isLoop, type LivePace, loopHold, nextPace, paceDueMs, withRender } from './live-renders.ts';

const SUBJECT = { generation: 1, digest: 'sha256:m', question: 'q' };
const values = (host: string, others: Record<string, string> = {}): ReadonlyMap<string, string> =>
  new Map(Object.entries({ 'db.host': host, ...others }));

describe('the pace of renders that follow from live values', () => {
  test('first values come at once, however many there are', () => {
    let pace: LivePace | undefined;
    const known: Record<string, string> = {};
    for (let at = 0; at < 20; at += 1) {
      known[`n${at}.x`] = 'v';
      const now = new Map(Object.entries(known));
      expect(paceDueMs(pace, 'q', now, 10)).toBe(10);
      pace = nextPace(pace, 'q', now, 10);
    }
  });

  test('values that keep changing are looked at ever more slowly, up to every 5 minutes', () => {
    let pace = nextPace(undefined, 'q', values('0'), 0);
    const delays: number[] = [];
    let nowMs = 0;
    for (let change = 1; change <= 12; change += 1) {
      const due = paceDueMs(pace, 'q', values(`${change}`), nowMs);
      delays.push((due - nowMs) / 1000);
      nowMs = due;
      pace = nextPace(pace, 'q', values(`${change}`), nowMs);
    }
    expect(delays).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  test('quiet, and another question, begin anew', () => {
    let pace = nextPace(undefined, 'q', values('0'), 0);
    for (let change = 1; change <= 4; change += 1) pace = nextPace(pace, 'q', values(`${change}`), change);
    expect(paceDueMs(pace, 'q', values('9'), 10)).toBeGreaterThan(10);
    expect(paceDueMs(pace, 'other', values('9'), 10)).toBe(10);
    expect(paceDueMs(pace, 'q', values('9'), 61_000)).toBe(61_000);
    expect(nextPace(pace, 'q', values('9'), 61_000).changes).toBe(1);
  });
});

describe('a graph that comes back', () => {
  const record = (hashes: readonly string[]) =>
    hashes.reduce<ReturnType<typeof withRender> | undefined>(
      (all, hash) => withRender(all, SUBJECT, hash),
      undefined,
    );

  test.each<[readonly string[], boolean]>([
    [['a'], false],
    [['a', 'a'], false],
    [['a', 'b', 'c'], false],
    [['a', 'b', 'a'], true],
    [['a', 'b', 'c', 'b'], true],
  ])('%j', (hashes, expected) => {
    const all = record(hashes);
    expect(all !== undefined && isLoop(all)).toBe(expected);
  });

  test('is none after a change of spec, module or input', () => {
    const before = record(['a', 'b']);
    for (const change of [{ generation: 2 }, { digest: 'sha256:n' }, { question: 'other' }]) {
      expect(withRender(before, { ...SUBJECT, ...change }, 'a').hashes).toEqual(['a']);
    }
  });

  test('keeps a bounded number of hashes', () => {
    expect(record(Array.from({ length: 40 }, (_, at) => `${at}`))?.hashes).toHaveLength(16);
  });

  test('is explained by nodes and values', () => {
    const node = (id: string, value: string): GraphNode => ({
      id,
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: id }, data: { value } },
    });
    const hold = loopHold([node('a', '1'), node('b', '1')], [node('a', '2'), node('b', '1')], ['b.size']);
    expect(hold).toMatchObject({ reason: 'ObservedLoop', isStalled: true });
    expect(hold.message).toContain('observed.b.size');
    expect(hold.message).toContain('nodes a go');
  });
});
