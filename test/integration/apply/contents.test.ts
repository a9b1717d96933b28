// Namespaces and CustomResourceDefinitions are never deleted while they hold anything, against a real API server.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InventoryItem, KubeObject } from '../../../src/api/index.ts';
import { ObjectApplier, ObjectRemover, type RemovalResult, stampObject } from '../../../src/apply/index.ts';
import type { Hold } from '../../../src/graph/index.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, type Resource } from '../../../src/kube/index.ts';
import { removalOf, type TenantNamespace, tenantNamespace } from './tenant-namespace.ts';

let space: TenantNamespace;
let binding: string;

beforeAll(async () => {
  space = await tenantNamespace();
  binding = `${space.namespace}-admin`;
  const account = `--serviceaccount=${space.namespace}:team`;
  await space.kubectl(['create', 'clusterrolebinding', binding, '--clusterrole=cluster-admin', account]);
});

afterAll(async () => {
  await space.kubectl(['delete', 'clusterrolebinding', binding, '--ignore-not-found']);
  await space.close();
});

async function make(resource: Resource, object: KubeObject): Promise<InventoryItem> {
  const { group, version, kind } = resource;
  const { name } = object.metadata;
  const entry: InventoryItem = {
    ...{ nodeId: 'node', group, version, kind, name },
    ...{ origin: 'Created', deletion: 'Delete', wave: 0 },
  };
  const stamp = { owner: space.owner, namespace: undefined, deletion: 'Delete' } as const;
  const request = {
    ...{ resource, entry, ignoreFields: [], policy: {}, isLookFirst: false, isRepair: false },
    stamped: (origin: InventoryItem['origin']) => stampObject({ id: 'node', object }, { ...stamp, origin }),
    recordFound: async () => undefined,
    tell: () => undefined,
  };
  return (await new ObjectApplier(space.tenant, space.owner).apply(request, space.signal)).entry;
}

async function remove(resource: Resource, entry: InventoryItem): Promise<Hold | RemovalResult> {
  const removal = removalOf(space, { resource, entry, isOrphaned: false, isFinal: true });
  const remover = new ObjectRemover(space.tenant, space.owner);
  for (;;) {
    const result = await remover.remove(removal, space.signal);
    if (result !== 'again') return result;
  }
}

it('a Namespace stays while something is in it, and says what', async () => {
  const name = `held-${randomUUID().slice(0, 8)}`;
  const entry = await make(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  // What every namespace has is made by controllers.
  await space.kubectl(['-n', name, 'wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  await space.kubectl(['-n', name, 'create', 'secret', 'generic', 'theirs']);
  expect(await remove(NAMESPACES, entry)).toEqual({
    reason: 'InUse',
    message: `is kept: it holds Secret ${name}/theirs`,
  });
  await space.kubectl(['-n', name, 'delete', 'secret', 'theirs']);
  expect(await remove(NAMESPACES, entry)).toBe('pending');
  await space.kubectl(['wait', '--for=delete', `namespace/${name}`, '--timeout=60s']);
  expect(await remove(NAMESPACES, entry)).toBe('gone');
});

it('a CustomResourceDefinition stays while it has instances, and while that can not be seen', async () => {
  const group = `g${randomUUID().slice(0, 8)}.example.com`;
  const schema = { openAPIV3Schema: { type: 'object' } };
  const entry = await make(CUSTOM_RESOURCE_DEFINITIONS, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gates.${group}` },
    spec: {
      ...{ group, scope: 'Namespaced', names: { kind: 'Gate', plural: 'gates' } },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  });
  const crd = `crd/gates.${group}`;
  await space.kubectl(['wait', '--for=condition=Established', crd, '--timeout=30s']);
  const gate = { apiVersion: `${group}/v1`, kind: 'Gate', metadata: { name: 'one' } };
  await space.kubectl(['create', '-f', '-'], JSON.stringify(gate));
  expect(await remove(CUSTOM_RESOURCE_DEFINITIONS, entry)).toEqual({
    reason: 'InUse',
    message: `is kept: it holds Gate ${space.namespace}/one`,
  });
  await space.kubectl(['delete', `gates.${group}`, 'one']);
  await space.kubectl(['delete', 'clusterrolebinding', binding]);
  const role = `${binding}-crds`;
  const verbs = '--verb=get,list,patch,delete';
  await space.kubectl(['create', 'clusterrole', role, verbs, '--resource=customresourcedefinitions']);
  const account = `--serviceaccount=${space.namespace}:team`;
  await space.kubectl(['create', 'clusterrolebinding', role, `--clusterrole=${role}`, account]);
  expect(await remove(CUSTOM_RESOURCE_DEFINITIONS, entry)).toMatchObject({ reason: 'Unknown' });
  await space.kubectl(['delete', `clusterrole/${role}`, `clusterrolebinding/${role}`, crd]);
});
