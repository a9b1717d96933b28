import { describe, expect, it } from 'vitest';
import type { InventoryItem, KubeObject, ManagedFieldsEntry } from '../api/index.ts';
import { driftBetween } from './drift.ts';

const MANAGER = 'pequod/shop/web';
const entry: InventoryItem = {
  nodeId: 'config',
  ...{ group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'config' },
  uid: 'u1',
  origin: 'Created',
  deletion: 'Delete',
  wave: 0,
};
const sent: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config', namespace: 'shop' },
  data: { a: 'ours', b: 'ours', c: 'ours' },
};

function share(
  manager: string,
  operation: 'Apply' | 'Update',
  ...keys: readonly string[]
): ManagedFieldsEntry {
  const data = Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
  return { manager, operation, apiVersion: 'v1', fieldsV1: { 'f:data': data } };
}

function live(entries: readonly ManagedFieldsEntry[], uid: string = 'u1'): KubeObject {
  return { ...sent, metadata: { ...sent.metadata, uid, managedFields: [...entries] } };
}

const after = live([share(MANAGER, 'Apply', 'a', 'b', 'c')]);
const between = (before: KubeObject | undefined, ignoreFields: readonly string[] = []) =>
  driftBetween({ entry, ignoreFields, stamped: () => sent }, before, after, MANAGER);

describe('what a repair put back', () => {
  it('is each field that was ours again only after it, and who held it', () => {
    const before = live([
      share(MANAGER, 'Apply', 'c'),
      share('kubectl-edit', 'Update', 'a'),
      share('gitops', 'Apply', 'b'),
    ]);
    expect(between(before)).toEqual({
      isGone: false,
      fields: ['.data.a', '.data.b'],
      managers: ['kubectl-edit', 'gitops'],
    });
  });

  it('names nobody for a field that was removed, nor who only has the same values', () => {
    const before = live([share(MANAGER, 'Apply', 'a', 'b'), share('twin', 'Apply', 'a', 'b')]);
    expect(between(before)).toEqual({ isGone: false, fields: ['.data.c'], managers: [] });
  });

  it('leaves out fields that the node ignores', () => {
    const before = live([share(MANAGER, 'Apply', 'b', 'c'), share('hpa', 'Update', 'a')]);
    expect(between(before, ['/data/a'])).toEqual({ isGone: false, fields: [], managers: [] });
  });

  it.each<[string, KubeObject | undefined]>([
    ['is gone', undefined],
    ['is another one', live([share(MANAGER, 'Apply', 'a')], 'u2')],
  ])('is the whole object where it %s', (_, before) => {
    expect(between(before)).toEqual({ isGone: true, fields: [], managers: [] });
  });
});
