import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { wholeInput } from './input-sources.ts';

const configMap = (name: string, data: Readonly<Record<string, string>>): [string, KubeObject] => [
  name,
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data },
];
const from = (
  name: string,
  key: string,
  more: object = {},
): { readonly kind: 'ConfigMap'; readonly name: string; readonly key: string } => ({
  kind: 'ConfigMap',
  name,
  key,
  ...more,
});

describe('input out of ConfigMaps', () => {
  it('has the values in their places, and the Transform’s own input over them', () => {
    const configMaps = new Map([configMap('a', { all: 'x: 1\ninner: {z: 2}', one: '9007199254740993' })]);
    const inputFrom = [from('a', 'all'), from('a', 'one', { targetPath: 'inner.big' })];
    const input = wholeInput({ inputFrom, input: { x: 3 } }, configMaps);
    expect(JSON.stringify(input)).toBe('{"x":3,"inner":{"z":2,"big":9007199254740993}}');
  });

  it.each([
    ['a missing ConfigMap', [from('b', 'k')], 'inputFrom[0]: there is no ConfigMap b'],
    ['a missing key', [from('a', 'constructor')], 'inputFrom[0]: ConfigMap a has no key constructor'],
    ['text that is no YAML', [from('a', 'bad')], /^inputFrom\[0\]: a\/bad:1:\d+: /],
    ['two documents', [from('a', 'two')], 'inputFrom[0]: a/two:3:1: a second document'],
    [
      'a value without a place',
      [from('a', 'list')],
      'inputFrom[0]: the value is no object, and no targetPath',
    ],
    ['too much', [from('a', 'huge')], /at most 262144 are taken/],
    ['a bomb of aliases', [from('a', 'bomb')], /inputFrom\[0\]: a\/bomb:/],
  ])('refuses %s', (_what, inputFrom, message) => {
    const levels = Array.from(
      { length: 8 },
      (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(',')}]`,
    );
    const data = {
      bad: 'x: [',
      two: 'x: 1\n---\ny: 2\n',
      list: '[1]',
      huge: `x: "${'y'.repeat(300_000)}"`,
      bomb: ['l0: &l0 [a]', ...levels].join('\n'),
    };
    expect(() => wholeInput({ inputFrom }, new Map([configMap('a', data)]))).toThrow(message);
  });
});
