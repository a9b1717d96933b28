import { describe, expect, test } from 'vitest';
import type { ResourceRule } from '../kube/index.ts';
import { type Access, allows } from './rules.ts';

const rule = (parts: Partial<ResourceRule>): ResourceRule => ({
  verbs: ['get'],
  apiGroups: [''],
  resources: ['configmaps'],
  resourceNames: [],
  ...parts,
});
const getConfigMap: Access = { group: '', plural: 'configmaps', verb: 'get' };

describe('allows', () => {
  test('needs verb, group and resource in one and the same rule', () => {
    expect(allows([rule({})], getConfigMap)).toBe(true);
    expect(allows([rule({ verbs: ['list'] }), rule({ resources: ['secrets'] })], getConfigMap)).toBe(false);
    expect(allows([rule({ apiGroups: ['apps'] })], getConfigMap)).toBe(false);
  });

  test('a star stands for everything, each in its own list', () => {
    expect(allows([rule({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })], getConfigMap)).toBe(true);
    expect(allows([rule({ verbs: ['*'], apiGroups: ['apps'], resources: ['*'] })], getConfigMap)).toBe(false);
  });

  test('a rule for subresources says nothing about the resource', () => {
    expect(allows([rule({ resources: ['configmaps/status'] })], getConfigMap)).toBe(false);
  });

  test('a rule restricted to names counts only for these names', () => {
    const rules = [rule({ resourceNames: ['module'] })];
    expect(allows(rules, { ...getConfigMap, name: 'module' })).toBe(true);
    expect(allows(rules, { ...getConfigMap, name: 'other' })).toBe(false);
    expect(allows(rules, getConfigMap)).toBe(false);
  });
});
