import { describe, expect, it } from 'vitest';
import { layOver } from './input-merge.ts';

describe('laying inputs over each other', () => {
  it('merges objects, and lets the later one win everywhere else', () => {
    const layers = [
      { image: 'a', resources: { cpu: '1', memory: '1Gi' }, hosts: ['a', 'b'] },
      { resources: { cpu: '2' }, hosts: ['c'] },
      { image: 'b' },
    ];
    expect(layOver(layers)).toEqual({ image: 'b', resources: { cpu: '2', memory: '1Gi' }, hosts: ['c'] });
  });

  it('replaces a value by an object and the other way round', () => {
    expect(
      layOver([
        { a: 1, b: { c: 1 } },
        { a: { d: 1 }, b: null },
      ]),
    ).toEqual({ a: { d: 1 }, b: null });
  });

  it('takes __proto__ for a name like any other', () => {
    const merged = layOver([
      JSON.parse('{"__proto__": {"polluted": 1}}'),
      JSON.parse('{"__proto__": {"more": 2}}'),
    ]);
    expect(Object.keys(merged)).toEqual(['__proto__']);
    expect(Object.getOwnPropertyNames({})).toEqual([]);
    expect(merged['polluted']).toBeUndefined();
  });
});
