import { expect, it } from 'vitest';
import { highestTag } from './versions.ts';

const TAGS = [
  'latest',
  'v1.2.0',
  '1.10.0',
  '1.9.9',
  '2.0.0-rc.1',
  '2.0.0',
  'v2.1.0-alpha',
  '1.10',
  '=1.99.0',
];

it.each([
  ['>=1.2 <2', '1.10.0'],
  ['^1', '1.10.0'],
  ['1.2.x', 'v1.2.0'],
  ['*', '2.0.0'],
  ['>=2.1.0-0', 'v2.1.0-alpha'],
  ['~2.0.0-rc.0', '2.0.0'],
  ['1.9.9 || 1.2.0', '1.9.9'],
])('the highest version in %s is %s', (range, tag) => {
  expect(highestTag(TAGS, range)).toBe(tag);
  expect(highestTag([...TAGS].reverse(), range)).toBe(tag);
});

it('knows build metadata as tags write it, and one version twice', () => {
  expect(highestTag(['1.0.0_1', '1.0.0_2', '1.0.0'], '1.0.0')).toBe('1.0.0_2');
  expect(highestTag(['v1.0.0', '1.0.0'], '1')).toBe('1.0.0');
  expect(highestTag(['1.0.0', 'v1.0.0'], '1')).toBe('1.0.0');
});

it('says which tags there are where none fits', () => {
  expect(() => highestTag(TAGS, '>=3')).toThrow(
    'no tag is in the range >=3; there are 9 tags, 6 of them versions, such as v2.1.0-alpha, 2.0.0, 2.0.0-rc.1, 1.10.0, 1.9.9',
  );
  expect(() => highestTag([], '1')).toThrow('there are none');
  expect(() => highestTag(['latest'], '1')).toThrow(expect.objectContaining({ code: 'SOURCE_NOT_FOUND' }));
});

it.each(['', ' ', 'newest', '>>1', 'x'.repeat(300)])('refuses %j as a range', (range) => {
  expect(() => highestTag(TAGS, range)).toThrow(
    expect.objectContaining({ code: 'SOURCE_INVALID', retry: 'never' }),
  );
});
