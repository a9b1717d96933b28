import { expect, test } from 'vitest';
import { compareOutcomes, type Outcome } from '../../faults/oracle.ts';

function outcome(more: Partial<Outcome> = {}): Outcome {
  return {
    objects: { 'ConfigMap/a': { data: { k: 'v' } } },
    uids: { 'ConfigMap/a': '1' },
    changes: { 'configmaps/b created': 1 },
    inventoryFaults: [],
    ...more,
  };
}

const expected = {
  before: outcome({ uids: { 'ConfigMap/a': 'x' } }),
  after: outcome({ uids: { 'ConfigMap/a': 'x' } }),
};

test('a run like the one without a fault is right, whatever its uids are', () => {
  expect(compareOutcomes(expected, outcome(), outcome())).toEqual([]);
});

test('what is other, made twice, replaced or wrongly recorded is told', () => {
  const after = outcome({
    objects: { 'ConfigMap/a': { data: { k: 'other' } } },
    uids: { 'ConfigMap/a': '2' },
    changes: { 'configmaps/b created': 2, 'configmaps/a deleted': 1 },
    inventoryFaults: ['the inventory leaves out ConfigMap/b'],
  });
  expect(compareOutcomes(expected, outcome(), after)).toEqual([
    'ConfigMap/a . data . k: "v" → "other"',
    'landed at the API server: configmaps/a deleted: (absent) → 1',
    'landed at the API server: configmaps/b created: 1 → 2',
    'ConfigMap/a: was replaced, and had no reason to be',
    'the inventory leaves out ConfigMap/b',
  ]);
});

test('what the scenario makes anew need not be the very same', () => {
  const anew = {
    before: outcome({ uids: { 'ConfigMap/a': 'x' } }),
    after: outcome({ uids: { 'ConfigMap/a': 'y' } }),
  };
  expect(compareOutcomes(anew, outcome(), outcome({ uids: { 'ConfigMap/a': '2' } }))).toEqual([]);
});
