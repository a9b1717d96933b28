// An object whose field owners name a version that its CRD has no more: the API server refuses every apply to it, until
// the entries are moved.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InventoryItem, KubeObject } from '../../../src/api/index.ts';
import { ObjectApplier } from '../../../src/apply/index.ts';
import { isKindNotServed, type Resource } from '../../../src/kube/index.ts';
import { requestFor, type TenantNamespace, tenantNamespace } from './tenant-namespace.ts';

const group = `g${randomUUID().slice(0, 8)}.example.com`;
const definition = `widgets.${group}`;

let space: TenantNamespace;

beforeAll(async () => {
  space = await tenantNamespace();
  await space.kubectl([
    ...['create', 'rolebinding', 'all', '--clusterrole=cluster-admin'],
    `--serviceaccount=${space.namespace}:team`,
  ]);
});

afterAll(async () => {
  await space.kubectl(['delete', 'crd', definition, '--wait=false', '--ignore-not-found']);
  await space.close();
});

const kindIn = (version: string): Resource => ({
  group,
  version,
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  verbs: ['get', 'patch'],
});

const widget = (version: string, size: number): KubeObject => ({
  apiVersion: `${group}/${version}`,
  kind: 'Widget',
  metadata: { name: 'one' },
  spec: { size },
});

async function define(versions: readonly string[]): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: definition },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      versions: versions.map((name, at) => ({ name, served: true, storage: at === 0, schema })),
    },
  };
  await space.kubectl(['apply', '-f', '-'], JSON.stringify(crd));
  await space.kubectl(['wait', '--for=condition=Established', `crd/${definition}`]);
}

/** Until the API server answers for a version as it is to. */
async function untilServed(version: string, isServed: boolean): Promise<void> {
  for (;;) {
    const answer = await space.admin
      .listAll(kindIn(version), { namespace: space.namespace }, space.signal)
      .then(() => true)
      .catch((error: unknown) => !isKindNotServed(error));
    if (answer === isServed) return;
    await delay(50);
  }
}

it('is applied to again, with every value and every other owner as before', async () => {
  const applier = new ObjectApplier(space.tenant, space.owner);
  await define(['v1alpha1', 'v1']);
  await untilServed('v1alpha1', true);
  await untilServed('v1', true);
  const request = requestFor(space, widget('v1alpha1', 1), { resource: kindIn('v1alpha1') });
  const { entry } = await applier.apply(request, space.signal);
  const theirs = { ...widget('v1alpha1', 1), spec: { colour: 'red' } };
  const metadata = { name: 'one', namespace: space.namespace };
  const options = { fieldManager: 'painter' };
  await space.admin.apply(kindIn('v1alpha1'), { ...theirs, metadata }, options, space.signal);

  // The administrator's part: v1 is stored, what is stored is written anew, v1alpha1 goes.
  await define(['v1', 'v1alpha1']);
  const text = await space.kubectl(['get', definition, 'one', '-o', 'json', '--show-managed-fields']);
  await space.kubectl(['replace', '-f', '-'], text);
  const stored = JSON.stringify({ status: { storedVersions: ['v1'] } });
  await space.kubectl(['patch', 'crd', definition, '--subresource=status', '--type=merge', '-p', stored]);
  await define(['v1']);
  await untilServed('v1alpha1', false);

  // The raw call fails for good; this is what the migration is for.
  const raw = { ...widget('v1', 2), metadata };
  const plain = space.admin.apply(kindIn('v1'), raw, { fieldManager: 'anybody' }, space.signal);
  await expect(plain).rejects.toMatchObject({ code: 'API_VERSION_RETIRED' });

  const moved: InventoryItem = { ...entry, version: 'v1' };
  const after = requestFor(space, widget('v1', 2), { resource: kindIn('v1'), entry: moved });
  const { object, entry: last } = await applier.apply(after, space.signal);
  expect(last.uid).toBe(entry.uid);
  expect(object['spec']).toEqual({ size: 2, colour: 'red' });
  const owners = object.metadata.managedFields?.map(({ manager, apiVersion }) => `${manager} ${apiVersion}`);
  expect(owners?.sort()).toEqual([`painter ${group}/v1`, `${space.owner.manager} ${group}/v1`]);
});
