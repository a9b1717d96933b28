import { describe, expect, it } from 'vitest';
import { WaitingKeys } from './waiting-keys.ts';

const groupOf = (key: string): string => key.split('/')[0] ?? '';

/** Takes as many as there are places for. */
function fill(keys: WaitingKeys, places: number): readonly string[] {
  const taken: string[] = [];
  for (let key = keys.take(places); key !== undefined; key = keys.take(places - taken.length))
    taken.push(key);
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
    expect(keys.take(5 - others.length)).toBe('d/1');
  });

  it('get a place back as soon as one is free', () => {
    const keys = waiting(...many('a', 8));
    const [first = ''] = fill(keys, 4);
    expect(keys.take(2)).toBeUndefined();
    keys.done(first);
    expect(keys.take(3)).toBe('a/2');
  });

  it('have the only place, where there is one', () => {
    const keys = waiting('a/1', 'a/2');
    expect(fill(keys, 1)).toEqual(['a/1']);
    keys.done('a/1');
    expect(keys.take(1)).toBe('a/2');
    expect(keys.take(0)).toBeUndefined();
  });

  it('are forgotten when that is wanted', () => {
    const keys = waiting('a/1', 'b/1');
    keys.clear();
    expect([keys.size, keys.take(9)]).toEqual([0, undefined]);
  });
});
