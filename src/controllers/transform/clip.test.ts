import { describe, expect, test } from 'vitest';
import type { Violation } from '../../api/index.ts';
import { clipText, clipViolations } from './clip.ts';

describe('clipText', () => {
  test('cuts what is too long and never through a character', () => {
    expect(clipText('abcdef', 6)).toBe('abcdef');
    expect(clipText('abcdef', 4)).toBe('abc…');
    expect(clipText('ab😀def', 4)).toBe('ab…');
  });
});

describe('clipViolations', () => {
  const many = (count: number, severity: Violation['severity']): readonly Violation[] =>
    Array.from({ length: count }, (_, at) => ({ path: `input.p${at}`, message: 'wrong', severity }));

  test('puts errors first and says how many are left out', () => {
    const clipped = clipViolations([...many(60, 'Warning'), ...many(60, 'Error')]);
    expect(clipped).toHaveLength(100);
    expect(clipped.slice(0, 60).every(({ severity }) => severity === 'Error')).toBe(true);
    expect(clipped.at(-1)).toEqual({ path: '', message: 'and 21 more', severity: 'Warning' });
  });

  test('shortens texts and drops nothing else', () => {
    const [clipped] = clipViolations([
      { path: 'p', message: 'm'.repeat(5000), severity: 'Info', policy: 'x', position: 'a.cue:1:2' },
    ]);
    expect(clipped).toMatchObject({ path: 'p', severity: 'Info', policy: 'x', position: 'a.cue:1:2' });
    expect(clipped?.message).toHaveLength(1024);
  });
});
