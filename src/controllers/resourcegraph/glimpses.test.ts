import { expect, test } from 'vitest';
import { observe } from '../../apply/index.ts';
import { Glimpses } from './glimpses.ts';

const identity = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'theirs' };
const observation = observe({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs', uid: 'u1' } });

test('what is not ready yet is looked at soon, what is ready rarely', () => {
  const glimpses = new Glimpses();
  glimpses.seen(identity, observation, false, 0);
  expect(glimpses.at(identity, 9_999)).toBe(observation);
  expect(glimpses.at(identity, 10_000)).toBeUndefined();
  expect(glimpses.nextAtMs).toBe(10_000);
  glimpses.seen(identity, observation, true, 10_000);
  expect(glimpses.at(identity, 309_999)).toBe(observation);
  expect(glimpses.nextAtMs).toBe(310_000);
});

test('what the graph has no more is forgotten, so that nothing wakes it', () => {
  const glimpses = new Glimpses();
  glimpses.seen(identity, observation, true, 0);
  glimpses.keep([]);
  expect(glimpses.nextAtMs).toBeUndefined();
  expect(glimpses.at(identity, 0)).toBeUndefined();
});
