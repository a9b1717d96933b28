import { expect, test } from 'vitest';
import { slopeOf } from '../../bench/soak/slope.ts';
import { seededRandom } from '../simulation/random.ts';

test('a straight line has its own slope and no doubt', () => {
  const { perUnit, interval } = slopeOf([0, 1, 2, 3].map((x) => [x, 5 + 2 * x] as const));
  expect(perUnit).toBeCloseTo(2);
  expect(interval[0]).toBeCloseTo(2);
  expect(interval[1]).toBeCloseTo(2);
});

test('growth and none are told apart through noise', () => {
  const random = seededRandom(7);
  const noise = (): number => random.next() - 0.5;
  const flat = slopeOf(Array.from({ length: 30 }, (_, x) => [x, 100 + noise()] as const));
  expect(flat.interval[0]).toBeLessThan(0);
  expect(flat.interval[1]).toBeGreaterThan(0);
  const growing = slopeOf(Array.from({ length: 30 }, (_, x) => [x, 100 + 0.1 * x + noise()] as const));
  expect(growing.interval[0]).toBeGreaterThan(0);
});

test('two points say nothing about doubt', () => {
  expect(() =>
    slopeOf([
      [0, 1],
      [1, 2],
    ]),
  ).toThrow(RangeError);
});
