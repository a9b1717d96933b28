import { describe, expect, it } from 'vitest';
import { durationMs } from './duration.ts';

describe('durationMs', () => {
  it.each([
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['0', 0],
    ['2us', 0.002],
    ['5', undefined],
    ['-5m', undefined],
    ['5 m', undefined],
    ['m', undefined],
    ['', undefined],
  ])('reads %j', (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });
});
