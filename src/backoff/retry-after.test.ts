import { expect, test } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

test.each([
  ['3', 3_000],
  [' 3 ', 3_000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 6_000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ['7200', 3_600_000],
  ['9'.repeat(400), 3_600_000],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 3_600_000],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %s is to wait for %s ms', (header, expected) => {
  expect(parseRetryAfter(header, 4_000)).toBe(expected);
});
