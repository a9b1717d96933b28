import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallOutcome, OPERATOR_FLOW, Places } from './places.ts';

/** Takes what the flow may have. @returns how much that is */
function fill(places: Places, flow: string): number {
  let taken = 0;
  for (; places.mayTake(flow); taken += 1) places.take(flow);
  return taken;
}

function finish(places: Places, flow: string, outcome: CallOutcome, times: number, nowMs: number): void {
  for (let time = 0; time < times; time += 1) {
    places.take(flow);
    places.giveBack(flow, outcome, nowMs);
  }
}

describe('Places', () => {
  it('leave room for others, however many calls a flow has that hang', () => {
    const places = new Places(64);
    expect(fill(places, 'hangs')).toBe(42);
    expect(fill(places, 'hangs too')).toBeGreaterThanOrEqual(10);
    expect(fill(places, 'good')).toBeGreaterThanOrEqual(1);
    for (let tenant = 0; tenant < 20; tenant += 1) fill(places, `tenant ${tenant}`);
    expect(places.inFlight).toBe(56);
    expect(fill(places, OPERATOR_FLOW)).toBe(6);
  });

  it('are cut for the flow that sees overload, and for that alone', () => {
    const places = new Places(64);
    expect(fill(places, 'refused')).toBe(42);
    for (let call = 0; call < 42; call += 1) places.giveBack('refused', 'overloaded', call);
    expect([places.limit, places.cutFlows]).toEqual([64, 1]);
    expect(fill(places, 'refused')).toBe(21);
    expect(fill(places, 'other')).toBeGreaterThan(20);
  });

  it('are cut for all where several flows see it', () => {
    const places = new Places(64);
    for (const flow of ['a', 'b', 'c', OPERATOR_FLOW]) fill(places, flow);
    places.giveBack('a', 'overloaded', 0);
    expect(places.limit).toBe(64);
    const { inFlight } = places;
    places.giveBack('b', 'overloaded', 10);
    expect(places.limit).toBe(Math.floor(inFlight / 2));
  });

  it('are enough for others, however few calls there were when several flows saw overload', () => {
    const places = new Places(64);
    for (let second = 0; second < 10; second += 1) {
      for (const flow of ['slow', 'slow too', OPERATOR_FLOW]) places.take(flow);
      for (const flow of ['slow', 'slow too', OPERATOR_FLOW]) {
        places.giveBack(flow, 'overloaded', second * 1_000);
      }
    }
    expect(fill(places, 'slow')).toBe(1);
    expect(fill(places, 'slow too')).toBe(1);
    expect(fill(places, 'good')).toBeGreaterThanOrEqual(1);
    expect(fill(places, OPERATOR_FLOW)).toBeGreaterThanOrEqual(1);
  });

  it('are not cut for all by a few among many', () => {
    const places = new Places(64);
    finish(places, 'good', 'answered', 100, 0);
    finish(places, 'slow', 'overloaded', 2, 10);
    finish(places, 'slow too', 'overloaded', 2, 20);
    expect([places.limit, places.cutFlows]).toEqual([64, 2]);
  });

  it('come back as calls succeed', () => {
    const places = new Places(16);
    for (const flow of ['a', 'b']) fill(places, flow);
    for (const flow of ['a', 'b']) places.giveBack(flow, 'overloaded', 0);
    expect(places.limit).toBeLessThan(16);
    for (const flow of ['a', 'b']) finish(places, flow, 'answered', 200, 100);
    expect([places.limit, places.cutFlows]).toEqual([16, 0]);
  });

  it('are never more than the limit, and never none for all', () => {
    const flow = fc.constantFrom(OPERATOR_FLOW, 'a', 'b', 'c');
    const outcome = fc.constantFrom<CallOutcome>('answered', 'overloaded', 'unknown');
    const step = fc.record({ flow, outcome, takes: fc.boolean(), ms: fc.nat(700) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
        const places = new Places(max);
        const held: string[] = [];
        let now = 0;
        for (const { flow: name, outcome: how, takes, ms } of steps) {
          now += ms;
          const index = held.indexOf(name);
          if (takes && places.mayTake(name)) {
            expect(places.inFlight).toBeLessThan(places.limit);
            places.take(name);
            held.push(name);
          } else if (!takes && index >= 0) {
            held.splice(index, 1);
            places.giveBack(name, how, now);
          }
          expect(places.inFlight).toBe(held.length);
        }
        for (const name of held) places.giveBack(name, 'unknown', now);
        for (const name of [OPERATOR_FLOW, 'a', 'new']) expect(places.mayTake(name)).toBe(true);
      }),
    );
  });
});
