import { describe, expect, test } from 'vitest';
import type { Series } from '../../faults/campaigns/index.ts';
import { Cursor } from '../../faults/cursor.ts';

function series(length: Series['length'], prefix: string = ''): Series {
  return {
    prefix,
    length,
    at: (number) => ({
      id: `${prefix}${number}`,
      label: 'a fault',
      arm: () => ({ reached: () => undefined }),
    }),
  };
}

/** Makes points one after the other; `calls` is how many calls every run comes to. */
function madeOneByOne(cursor: Cursor, calls: number): readonly string[] {
  const made: string[] = [];
  for (let point = cursor.next(); point !== undefined; point = cursor.next()) {
    made.push(point.id);
    cursor.done(point, made.length <= calls);
  }
  return made;
}

describe('the points of a series', () => {
  test('go on until a run ends before its call, also where there are more than was thought', () => {
    const cursor = new Cursor(series({ about: 2 }, 'before-'), { every: 1, first: 1 });
    expect(madeOneByOne(cursor, 4)).toEqual(['before-1', 'before-2', 'before-3', 'before-4', 'before-5']);
  });

  test('are made side by side as far as it is known that there are so many, and then one at a time', () => {
    const cursor = new Cursor(series({ about: 2 }), { every: 1, first: 1 });
    const [first, second] = [cursor.next(), cursor.next()];
    if (first === undefined || second === undefined) throw new Error('two points are known to be there');
    expect(cursor.next()).toBeUndefined();
    // One run had fewer calls than the others: that is not the end.
    cursor.done(first, false);
    cursor.done(second, true);
    expect(cursor.next()?.id).toBe('3');
  });

  test('end at a length that is fixed', () => {
    const cursor = new Cursor(series({ exactly: 3 }), { every: 1, first: 1 });
    expect(madeOneByOne(cursor, 9)).toEqual(['1', '2', '3']);
    expect(cursor.isExact).toBe(true);
  });

  test('are every so many-th where that is asked for', () => {
    const cursor = new Cursor(series({ exactly: 9 }), { every: 3, first: 2 });
    expect(madeOneByOne(cursor, 9)).toEqual(['2', '5', '8']);
  });

  test('are one where its id is given, and none in a series that has no such id', () => {
    const options = { every: 1, first: 1, point: 'before-7' };
    expect(madeOneByOne(new Cursor(series({ about: 2 }, 'before-'), options), 9)).toEqual(['before-7']);
    expect(madeOneByOne(new Cursor(series({ about: 2 }), options), 9)).toEqual([]);
  });
});
