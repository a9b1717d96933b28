import { expect, it } from 'vitest';
import type { PlanAction } from '../api/index.ts';
import { type PlanFacts, type PlannedEffect, planHash } from './plan-hash.ts';

const effect = (action: PlanAction, name: string, uid: string): PlannedEffect => ({
  action,
  identity: { group: '', kind: 'ConfigMap', namespace: 'shop', name },
  uid,
});

const facts: PlanFacts = {
  candidateHash: 'sha256:new',
  policies: { serviceAccountName: 'deployer', deletionPolicy: 'Delete' },
  runningHash: 'sha256:old',
  effects: [effect('Prune', 'a', '1'), effect('Recreate', 'b', '2'), effect('Change', 'c', '3')],
};

it('is the same whatever the order of the effects', () => {
  expect(planHash({ ...facts, effects: facts.effects.toReversed() })).toBe(planHash(facts));
  expect(planHash(facts)).toMatch(/^[0-9a-f]{32}$/);
});

it.each([
  ['the nodes', { candidateHash: 'sha256:other' }],
  ['what runs', { runningHash: 'sha256:other' }],
  ['a policy', { policies: { ...facts.policies, prunePolicy: 'AfterReady' as const } }],
  ['the object to be pruned', { effects: facts.effects.with(0, effect('Prune', 'a', 'other')) }],
  ['what becomes of an object', { effects: facts.effects.with(1, effect('Adopt', 'b', '2')) }],
  ['an object more', { effects: [...facts.effects, effect('Prune', 'd', '4')] }],
])('changes with %s', (_what, change) => {
  expect(planHash({ ...facts, ...change })).not.toBe(planHash(facts));
});

it('does not change with what is only created, changed or kept', () => {
  const effects = [...facts.effects.slice(0, 2), effect('Keep', 'c', 'other'), effect('Create', 'e', '')];
  expect(planHash({ ...facts, effects })).toBe(planHash(facts));
});
