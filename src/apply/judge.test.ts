import { describe, expect, it } from 'vitest';
import type { InventoryItem, KubeObject, ManagedFieldsEntry } from '../api/index.ts';
import { ApplyConflictError } from '../errors.ts';
import { CONFIG_MAPS } from '../kube/index.ts';
import { ownedPathsHash } from './fields/index.ts';
import { judge } from './judge.ts';
import type { ApplyRequest } from './request.ts';
import { type GraphOwner, stampObject } from './stamp.ts';

const owner: GraphOwner = { namespace: 'shop', name: 'web', graphId: 'id', manager: 'pequod/shop/web' };
const object: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config' },
  data: { a: 'ours', b: 'ours' },
};
const entry: InventoryItem = {
  nodeId: 'config',
  ...{ group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'config' },
  uid: 'u1',
  origin: 'Created',
  deletion: 'Delete',
  wave: 0,
  ownedPaths: ownedPathsHash(['.data.a', '.data.b']),
};

function requestFor(more: Partial<ApplyRequest> = {}): ApplyRequest {
  return {
    resource: CONFIG_MAPS,
    stamped: (origin) =>
      stampObject({ id: 'config', object }, { owner, namespace: 'shop', origin, deletion: 'Delete' }),
    policy: {},
    ignoreFields: [],
    entry,
    isLookFirst: true,
    isRepair: false,
    recordFound: async () => undefined,
    tell: () => undefined,
    ...more,
  };
}

function entryOf(
  manager: string,
  operation: 'Apply' | 'Update',
  ...keys: readonly string[]
): ManagedFieldsEntry {
  const data = Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
  return { manager, operation, apiVersion: 'v1', fieldsV1: { 'f:data': data } };
}

function liveWith(
  entries: readonly ManagedFieldsEntry[],
  labels: KubeObject['metadata']['labels'] = {},
): KubeObject {
  return {
    ...object,
    metadata: {
      name: 'config',
      namespace: 'shop',
      uid: 'u1',
      resourceVersion: '7',
      labels: { 'pequod.io/graph': 'id', ...labels },
      managedFields: [...entries],
    },
  };
}

const conflict = new ApplyConflictError('conflict', [{ manager: 'kubectl-edit', field: '.data.a' }]);
const taken = [entryOf(owner.manager, 'Apply', 'b'), entryOf('kubectl-edit', 'Update', 'a')];

describe('an update that met a conflict', () => {
  it('is forced, on the judged version, where all that is taken was ours', () => {
    expect(judge(requestFor(), liveWith(taken), owner, conflict)).toMatchObject({
      isForced: true,
      uid: 'u1',
      resourceVersion: '7',
    });
  });

  it('stays a conflict where a field among them was never ours', () => {
    const before = { ...entry, ownedPaths: ownedPathsHash(['.data.b']) };
    expect(() => judge(requestFor({ entry: before }), liveWith(taken), owner, conflict)).toThrow(conflict);
  });

  it('stays a conflict where nobody knows what was ours', () => {
    const { ownedPaths: _ownedPaths, ...old } = entry;
    expect(() => judge(requestFor({ entry: old }), liveWith(taken), owner, conflict)).toThrow(conflict);
  });

  it('stays a conflict where an apply took the field', () => {
    const applied = [entryOf(owner.manager, 'Apply', 'b'), entryOf('gitops', 'Apply', 'a')];
    expect(() => judge(requestFor(), liveWith(applied), owner, conflict)).toThrow(conflict);
  });

  it('stays a conflict where the field is shared since before', () => {
    const shared = [entryOf(owner.manager, 'Apply', 'a', 'b'), entryOf('kubectl-create', 'Update', 'a')];
    expect(() => judge(requestFor(), liveWith(shared), owner, conflict)).toThrow(conflict);
  });

  it('stays a conflict where the object is another one by now', () => {
    const known = requestFor({ entry: { ...entry, uid: 'u0' } });
    expect(() => judge(known, liveWith(taken), owner, conflict)).toThrow(conflict);
  });

  it('is forced under conflictPolicy Force, whoever holds the field', () => {
    const applied = [entryOf(owner.manager, 'Apply', 'b'), entryOf('gitops', 'Apply', 'a')];
    const request = requestFor({ policy: { conflictPolicy: 'Force' } });
    expect(judge(request, liveWith(applied), owner, conflict)).toMatchObject({ isForced: true });
  });
});

describe('a look without a conflict', () => {
  it('forces nothing, not under conflictPolicy Force either', () => {
    const request = requestFor({ policy: { conflictPolicy: 'Force' } });
    expect(judge(request, liveWith(taken), owner)).toMatchObject({ isForced: false });
  });

  it('forces a repair of what an Update took', () => {
    expect(judge(requestFor({ isRepair: true }), liveWith(taken), owner)).toMatchObject({ isForced: true });
  });
});

describe('what another graph applies', () => {
  const theirs = entryOf('pequod/shop/other', 'Apply', 'a');

  it.each(['Error', 'Force'] as const)('is refused under conflictPolicy %s', (conflictPolicy) => {
    const live = liveWith([theirs], { 'pequod.io/graph': 'other' });
    expect(() => judge(requestFor({ policy: { conflictPolicy } }), live, owner)).toThrow(
      'belongs to Transform shop/other',
    );
  });

  it('is ours all the same where our label and our entry are on it', () => {
    const both = liveWith([entryOf(owner.manager, 'Apply', 'b'), theirs]);
    expect(judge(requestFor(), both, owner)).toMatchObject({ isForced: false, origin: 'Created' });
  });
});
