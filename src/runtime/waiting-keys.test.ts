import { describe, expect, it } from 'vitest';
import { WaitingKeys } from './waiting-keys.ts';

const groupOf = (key: string): string => key.split('/')[0] ?? '';

/** Takes as many as there are places for. */
function fill(keys: WaitingKeys, places: number): readonly string[] {
  const taken: string[] = [];
  for (let next = keys.take(places); next !== undefined; next = keys.take(places - taken.length))
    taken.push(next.key);
  return taken;
}

function waiting(...keys: readonly string[]): WaitingKeys {
  const all = new WaitingKeys({ groupOf });
  for (const key of keys) all.add(key);
  return all;
}

const many = (group: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${group}/${at}`);

describe('keys that wait', () => {
  it('go in the order in which they came, each once', () => {
    const keys = new WaitingKeys();
    for (const key of ['b', 'a', 'b', 'c']) keys.add(key);
    expect(keys.size).toBe(3);
    expect(fill(keys, 10)).toEqual(['b', 'a', 'c']);
    expect(keys.size).toBe(0);
  });

  it('of groups take turns', () => {
    const keys = waiting('a/1', 'a/2', 'a/3', 'b/1', 'c/1');
    expect(fill(keys, 10)).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'a/3']);
  });

  it('of one group leave half of the places to others, who find one at any time', () => {
    const keys = waiting(...many('a', 100));
    expect(fill(keys, 10)).toHaveLength(5);
    for (const key of [...many('b', 100), ...many('c', 100)]) keys.add(key);
    const others = fill(keys, 5).map(groupOf);
    expect(new Set(others)).toEqual(new Set(['b', 'c']));
    expect(others.length).toBeLessThan(5);
    keys.add('d/1');
    expect(keys.take(5 - others.length)?.key).toBe('d/1');
  });

  it('get a place back as soon as one is free', () => {
    const keys = waiting(...many('a', 8));
    const [first = ''] = fill(keys, 4);
    expect(keys.take(2)).toBeUndefined();
    keys.done(first);
    expect(keys.take(3)?.key).toBe('a/2');
  });

  it('have the only place, where there is one', () => {
    const keys = waiting('a/1', 'a/2');
    expect(fill(keys, 1)).toEqual(['a/1']);
    keys.done('a/1');
    expect(keys.take(1)?.key).toBe('a/2');
    expect(keys.take(0)).toBeUndefined();
  });

  it('of one group have all places but a part, where a share says so', () => {
    const keys = new WaitingKeys({ groupOf, share: 0.75 });
    for (const key of [...many('a', 100)]) keys.add(key);
    expect(fill(keys, 10)).toHaveLength(7);
    for (const key of [...many('b', 100)]) keys.add(key);
    expect(fill(keys, 3).map(groupOf)).toEqual(['b', 'b']);
  });

  it('of low priority go when there is nothing else, and once in a while before that', () => {
    const keys = new WaitingKeys();
    for (const key of many('low', 3)) keys.add(key, 'low');
    for (const key of many('high', 20)) keys.add(key);
    const order = fill(keys, 100);
    expect(order.slice(0, 8)).toEqual([...many('high', 7), 'low/0']);
    expect([order.indexOf('low/1'), order.indexOf('low/2')]).toEqual([15, 22]);
    expect(order).toHaveLength(23);
  });

  it('have the highest priority that they were added with', () => {
    const keys = new WaitingKeys();
    keys.add('a', 'low');
    keys.add('b', 'low');
    keys.add('b', 'high');
    keys.add('b', 'low');
    expect(keys.size).toBe(2);
    expect([keys.take(2), keys.take(1)]).toEqual([
      { key: 'b', priority: 'high' },
      { key: 'a', priority: 'low' },
    ]);
  });

  it('that have stepped aside leave their places, but to other groups once it is a share of all', () => {
    const keys = waiting(...many('a', 100));
    const taken = fill(keys, 4);
    expect(taken).toEqual(['a/0', 'a/1']);
    for (const key of taken) keys.stepAside(key);
    expect(keys.take(4)).toBeUndefined();
    keys.add('b/0');
    expect(keys.take(4)?.key).toBe('b/0');
    keys.comeBack('a/0');
    expect(keys.take(2)).toBeUndefined();
    keys.done('a/0');
    expect(keys.take(3)?.key).toBe('a/2');
  });

  it('are forgotten when that is wanted', () => {
    const keys = waiting('a/1', 'b/1');
    keys.clear();
    expect([keys.size, keys.take(9)]).toEqual([0, undefined]);
  });
});
