import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shardOf } from './hash.ts';

it.each([
  ['default', 'shop', [0, 0, 0, 0]],
  ['team-a', 'web', [0, 0, 2, 2]],
  ['team-b', 'web', [0, 2, 0, 0]],
  ['a', 'b-c', [1, 2, 3, 43]],
  ['a-b', 'c', [1, 1, 5, 61]],
])('puts %s/%s where every version puts it', (namespace, name, shards) => {
  expect([2, 3, 8, 64].map((count) => shardOf({ namespace, name }, count))).toEqual(shards);
});

it('gives every key one of the shards, and with one shard that', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 64 }), (namespace, name, count) => {
      const shard = shardOf({ namespace, name }, count);
      expect(Number.isInteger(shard) && shard >= 0 && shard < count).toBe(true);
    }),
  );
});

it('spreads keys evenly', () => {
  const sizes = new Array<number>(8).fill(0);
  for (let index = 0; index < 8_000; index += 1) {
    const shard = shardOf({ namespace: `team-${index % 40}`, name: `web-${index}` }, 8);
    sizes[shard] = (sizes[shard] ?? 0) + 1;
  }
  // Five standard deviations around a thousand.
  for (const size of sizes) expect(Math.abs(size - 1_000)).toBeLessThan(150);
});
