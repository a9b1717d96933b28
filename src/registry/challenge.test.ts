import { expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

const read = (...lines: readonly string[]) =>
  parseChallenges(lines).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

it('reads what registries send', () => {
  expect(
    read(
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
    ),
  ).toEqual([
    [
      'bearer',
      { realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull,push' },
    ],
  ]);
  expect(read('Basic realm="Registry Realm"')).toEqual([['basic', { realm: 'Registry Realm' }]]);
  expect(read('Basic')).toEqual([['basic', {}]]);
});

it('reads several, in one line or many', () => {
  const both = [
    ['basic', { realm: 'a, b="c"' }],
    ['negotiate', {}],
    ['bearer', { realm: 'x', error: 'invalid_token' }],
  ];
  expect(read('Basic realm="a, b=\\"c\\"", Negotiate YII=, BEARER Realm = x , error=invalid_token')).toEqual(
    both,
  );
  expect(read('Basic realm="a, b=\\"c\\""', 'Negotiate YII=', 'Bearer realm=x, error=invalid_token')).toEqual(
    both,
  );
});

it('takes the first of two', () => {
  expect(read('Bearer realm="https://good/", realm="https://evil/"')).toEqual([
    ['bearer', { realm: 'https://good/' }],
  ]);
});

it.each([
  ['', []],
  [',,, ,', []],
  ['"quoted"', []],
  ['=', []],
  ['Bearer realm="unfinished', [['bearer', {}]]],
  ['Bearer realm=', [['bearer', {}]]],
  ['Bearer "x"', [['bearer', {}]]],
  ['Basic realm="a" \u0000 Bearer', [['basic', { realm: 'a' }]]],
])('survives %j', (line, challenges) => {
  expect(read(line)).toEqual(challenges);
});

it('is done soon with what is long', () => {
  const long = `Bearer realm="${'\\"'.repeat(8_000)}`;
  expect(read(long)).toEqual([['bearer', {}]]);
  expect(read('a'.repeat(16_000), `${'a '.repeat(8_000)}=`, `Basic ${'='.repeat(16_000)}`)).toHaveLength(
    8_001,
  );
});
