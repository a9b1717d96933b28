import { expect, test } from 'vitest';
import { Rivals } from './rivals.ts';

const identity = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'contested' };

test('a conflict is tried early only once others hold something else, and not faster than every few seconds', () => {
  const rivals = new Rivals();
  expect(rivals.retryAtMs(identity, 'gitops')).toBeUndefined();
  rivals.failed(identity, 'gitops', 1_000);
  expect(rivals.retryAtMs(identity, 'gitops')).toBeUndefined();
  expect(rivals.retryAtMs(identity, undefined)).toBe(6_000);
  rivals.failed(identity, undefined, 7_000);
  expect(rivals.retryAtMs(identity, undefined)).toBeUndefined();
});
