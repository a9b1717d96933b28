import { expect, it } from 'vitest';
import { DurationError, parseDuration } from './duration.ts';

it.each([
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1_500],
  ['0s', 0],
  ['1m1m', 120_000],
])('reads %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '5', 'm', '-5m', '5 m', '5d', '1h-5m', '.s', '1e3s', `${'1'.repeat(40)}s`, '5m\n'])(
  'refuses %j',
  (text) => {
    expect(() => parseDuration(text)).toThrow(DurationError);
  },
);

it('keeps to its limits, and says which one was broken', () => {
  expect(parseDuration('1s', { minMs: 1_000, maxMs: 1_000 })).toBe(1_000);
  expect(() => parseDuration('999ms', { minMs: 1_000 })).toThrow('shorter than 1000 ms');
  expect(() => parseDuration('2h', { maxMs: 3_600_000 })).toThrow('longer than 3600000 ms');
  expect(() => parseDuration('9999999999999999999999h')).toThrow(DurationError);
});

it('is retried only when the object changes', () => {
  expect(new DurationError('x')).toMatchObject({ code: 'INVALID_DURATION', retry: 'never' });
});
