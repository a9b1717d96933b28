import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairLine } from './fair-line.ts';

const anyone = (): boolean => true;

function drain(line: FairLine<string>): readonly string[] {
  const taken: string[] = [];
  for (let next = line.take(anyone); next !== undefined; next = line.take(anyone)) taken.push(next.waiter);
  return taken;
}

describe('FairLine', () => {
  it('lets flows take turns, and serves each in its order', () => {
    const line = new FairLine<string>();
    for (const waiter of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2']) line.add(waiter.slice(0, 1), waiter);
    expect(drain(line)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4']);
  });

  it('passes over a flow that may not go, which keeps its turn', () => {
    const line = new FairLine<string>();
    for (const waiter of ['a1', 'b1', 'b2']) line.add(waiter.slice(0, 1), waiter);
    expect(line.take((flow) => flow !== 'a')?.waiter).toBe('b1');
    expect(line.take(() => false)).toBeUndefined();
    expect(drain(line)).toEqual(['a1', 'b2']);
  });

  it('forgets who has left', () => {
    const line = new FairLine<string>();
    for (const waiter of ['a1', 'a2']) line.add('a', waiter);
    line.remove('a', 'a1');
    line.remove('a', 'a1');
    line.remove('b', 'a2');
    expect([line.size, line.has('a')]).toEqual([1, true]);
    line.remove('a', 'a2');
    expect([line.size, line.has('a'), line.take(anyone)]).toEqual([0, false, undefined]);
  });

  it('never lets one flow have two turns while another waits', () => {
    const flows = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 });
    fc.assert(
      fc.property(flows, (list) => {
        const line = new FairLine<string>();
        for (const [index, flow] of list.entries()) line.add(flow, `${flow}${index}`);
        const taken = drain(line).map((waiter) => waiter.slice(0, 1));
        expect(taken).toHaveLength(list.length);
        for (const [index, flow] of taken.entries()) {
          const again = taken.indexOf(flow, index + 1);
          if (again < 0) continue;
          const between = new Set(taken.slice(index + 1, again));
          const later = new Set(taken.slice(again).filter((other) => other !== flow));
          for (const other of later) expect(between).toContain(other);
        }
      }),
    );
  });
});
