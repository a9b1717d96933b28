import { describe, expect, test } from 'vitest';
import { ExpiringCache } from './expiring-cache.ts';

function setUp() {
  const clock = { ms: 0 };
  const cache = new ExpiringCache<number>({ ttlMs: 1000, maxEntries: 10, now: () => clock.ms });
  const asked: number[] = [];
  const ask = async (): Promise<number> => {
    asked.push(clock.ms);
    return asked.length;
  };
  return { clock, cache, asked, ask, signal: new AbortController().signal };
}

describe('ExpiringCache', () => {
  test('asks once for all who come within the time to live', async () => {
    const { clock, cache, asked, ask, signal } = setUp();
    const answers = await Promise.all([cache.get('a', ask, signal), cache.get('a', ask, signal)]);
    clock.ms = 999;
    expect([...answers, await cache.get('a', ask, signal)]).toEqual([1, 1, 1]);
    clock.ms = 1000;
    expect(await cache.get('a', ask, signal)).toBe(2);
    expect(asked).toEqual([0, 1000]);
  });

  test('does not keep a failure', async () => {
    const { cache, ask, signal } = setUp();
    await expect(cache.get('a', () => Promise.reject(new Error('down')), signal)).rejects.toThrow('down');
    expect(await cache.get('a', ask, signal)).toBe(1);
  });

  test('forgets by the beginning of the key', async () => {
    const { cache, asked, ask, signal } = setUp();
    await Promise.all([cache.get('x|1', ask, signal), cache.get('y|1', ask, signal)]);
    cache.forget('x|');
    await Promise.all([cache.get('x|1', ask, signal), cache.get('y|1', ask, signal)]);
    expect(asked).toHaveLength(3);
  });

  test('one who gives up does not take the answer from the others', async () => {
    const { cache, signal } = setUp();
    const impatient = new AbortController();
    const { promise, resolve } = Promise.withResolvers<number>();
    const first = cache.get('a', () => promise, impatient.signal);
    const second = cache.get('a', () => promise, signal);
    impatient.abort(new Error('too slow'));
    await expect(first).rejects.toThrow('too slow');
    resolve(7);
    expect(await second).toBe(7);
  });
});
