import { describe, expect, test } from 'vitest';
import { CONFIG_MAPS, NAMESPACES, type Resource } from '../kube/index.ts';
import { describeMissing, type MissingRight, missingIn } from './rights.ts';

const DEPLOYMENTS: Resource = { ...CONFIG_MAPS, group: 'apps', kind: 'Deployment', plural: 'deployments' };
const SERVICES: Resource = { ...CONFIG_MAPS, kind: 'Service', plural: 'services' };
const rules = [
  { verbs: ['get', 'patch'], apiGroups: ['apps'], resources: ['deployments'], resourceNames: [] },
];

describe('missingIn', () => {
  const need = { resource: DEPLOYMENTS, namespace: 'shop', verbs: ['create', 'patch'] } as const;

  test('keeps only the verbs that no rule allows', () => {
    expect(missingIn({ rules, isIncomplete: false }, need)).toEqual({ ...need, verbs: ['create'] });
  });

  test('reports nothing where all is allowed', () => {
    expect(missingIn({ rules, isIncomplete: false }, { ...need, verbs: ['patch'] })).toBeUndefined();
  });

  test('reports nothing where the review may hide rights', () => {
    expect(missingIn({ rules: [], isIncomplete: true }, need)).toBeUndefined();
  });
});

describe('describeMissing', () => {
  const missing = (resource: Resource, verbs: MissingRight['verbs'], namespace?: string): MissingRight => ({
    resource,
    verbs,
    namespace,
  });

  test('says everything in one line', () => {
    const line = describeMissing('shop', 'default', [
      missing(DEPLOYMENTS, ['create', 'patch'], 'shop'),
      missing(SERVICES, ['delete'], 'shop'),
    ]);
    expect(line).toBe(
      'service account shop/default may not create, patch deployments.apps; delete services in namespace shop',
    );
  });

  test('joins verbs of one kind and kinds that lack the same verbs', () => {
    const line = describeMissing('shop', 'default', [
      missing(SERVICES, ['patch'], 'shop'),
      missing(DEPLOYMENTS, ['patch'], 'shop'),
      missing(SERVICES, ['create'], 'shop'),
      missing(DEPLOYMENTS, ['create'], 'shop'),
    ]);
    expect(line).toBe(
      'service account shop/default may not create, patch deployments.apps, services in namespace shop',
    );
  });

  test('tells places apart', () => {
    const line = describeMissing('shop', 'default', [
      missing(NAMESPACES, ['create']),
      missing(SERVICES, ['get'], 'other'),
    ]);
    expect(line).toBe(
      'service account shop/default may not create namespaces at cluster scope; get services in namespace other',
    );
  });

  test('stays short when much is missing', () => {
    const kinds = Array.from({ length: 50 }, (_, index) =>
      missing({ ...SERVICES, plural: `things${index}` }, ['get'], 'shop'),
    );
    expect(describeMissing('shop', 'default', kinds)).toMatch(
      /^service account shop\/default may not get (things\d+, ){19}things\d+ in namespace shop, and 30 more$/,
    );
  });
});
