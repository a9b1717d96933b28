import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import { cluster, inline, type NodeInModule, type Space, story, useOperator } from './support/index.ts';

useOperator();

const RBAC = 'rbac.authorization.k8s.io';
const installed: string[] = [];
afterAll(async () => {
  if (installed.length > 0)
    await cluster.kubectl(['delete', '--wait=false', '--ignore-not-found', ...installed]);
});

function definition(group: string, kind: string, versions: readonly string[]): JsonObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const plural = `${kind.toLowerCase()}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema })),
    },
  };
}

/** A group of its own with these kinds, which the operator may watch and the story's account may edit. */
async function install(space: Space, kinds: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const group = `g${randomUUID().slice(0, 8)}.example.com`;
  const definitions = Object.entries(kinds).map(([kind, versions]) => definition(group, kind, versions));
  const metadata = { name: group };
  const rule = { apiGroups: [group], resources: ['*'], verbs: ['*'] };
  const subjects = [
    { kind: 'ServiceAccount', name: 'pequod', namespace: 'pequod-system' },
    { kind: 'ServiceAccount', name: 'deployer', namespace: space.namespace },
  ];
  const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name: group };
  const items = [
    ...definitions,
    { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata, rules: [rule] },
    { apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const names = Object.keys(kinds).map((kind) => `crd/${kind.toLowerCase()}s.${group}`);
  installed.push(...names, `clusterrole/${group}`, `clusterrolebinding/${group}`);
  await cluster.kubectl(['wait', '--for=condition=Established', ...names]);
  return group;
}

function custom(apiVersion: string, kind: string, size: number = 3): NodeInModule {
  return { object: { apiVersion, kind, metadata: { name: 'one' }, spec: { size } } };
}

/** Drops the first version of a kind for good, as an administrator does: what is stored moves to the second before. */
async function retireFirstVersion(space: Space, kind: string): Promise<void> {
  const patch = async (...more: readonly string[]): Promise<string> =>
    await cluster.kubectl(['patch', 'crd', kind, ...more]);
  const operations = (...list: readonly JsonObject[]): string => JSON.stringify(list);
  const stored = operations(
    { op: 'replace', path: '/spec/versions/0/storage', value: false },
    { op: 'replace', path: '/spec/versions/1/storage', value: true },
  );
  await patch('--type=json', '-p', stored);
  const text = await space.kubectl(['get', kind, 'one', '-o', 'json', '--show-managed-fields']);
  await space.kubectl(['replace', '-f', '-'], text);
  const status = JSON.stringify({ status: { storedVersions: ['v1'] } });
  await patch('--subresource=status', '--type=merge', '-p', status);
  await patch('--type=json', '-p', operations({ op: 'remove', path: '/spec/versions/0' }));
}

describe.concurrent('kinds with versions', () => {
  story('a kind comes up that its group’s preferred version lacks', async ({ space }) => {
    const group = await install(space, { Gate: ['v1'], Route: ['v1alpha1'] });
    await space.transform('shop', inline({ route: custom(`${group}/v1alpha1`, 'Route') }));
    await space.untilReady('shop');
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.kubectl(['get', `routes.${group}`, '-o', 'name'])).toBe('');
  });

  story('an object goes though its version is not served any more', async ({ space }) => {
    const group = await install(space, { Widget: ['v2', 'v1'] });
    await space.transform('shop', inline({ widget: custom(`${group}/v1`, 'Widget') }));
    await space.untilReady('shop');
    const patch = JSON.stringify([{ op: 'replace', path: '/spec/versions/1/served', value: false }]);
    await cluster.kubectl(['patch', 'crd', `widgets.${group}`, '--type=json', '-p', patch]);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.kubectl(['get', `widgets.${group}`, '-o', 'name'])).toBe('');
  });

  story('a node goes to another version of its kind: the same object, one entry', async ({ space }) => {
    const group = await install(space, { Widget: ['v2', 'v1'] });
    await space.transform('shop', inline({ widget: custom(`${group}/v1`, 'Widget') }));
    await space.untilReady('shop');
    const uid = await space.kubectl(['get', `widgets.${group}`, 'one', '-o', 'jsonpath={.metadata.uid}']);
    await space.transform('shop', inline({ widget: custom(`${group}/v2`, 'Widget') }));
    await space.untilReady('shop');
    const { inventory } = await space.graphStatus('shop');
    expect(inventory?.items).toMatchObject([{ kind: 'Widget', version: 'v2', uid }]);
    expect(await space.kubectl(['get', `widgets.${group}`, 'one', '-o', 'jsonpath={.metadata.uid}'])).toBe(
      uid,
    );
  });

  story('… and of a kind of Kubernetes itself', async ({ space }) => {
    const autoscaler = (version: string): NodeInModule => ({
      readyWhen: [{ type: 'Exists' }],
      object: {
        apiVersion: `autoscaling/${version}`,
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'web' },
        spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3 },
      },
    });
    await space.transform('shop', inline({ web: autoscaler('v1') }));
    await space.untilReady('shop');
    const { uid } = (await space.get('HorizontalPodAutoscaler', 'web')).metadata;
    await space.transform('shop', inline({ web: autoscaler('v2') }));
    await space.untilReady('shop');
    const { inventory } = await space.graphStatus('shop');
    expect(inventory?.items).toMatchObject([{ version: 'v2', uid }]);
    expect((await space.get('HorizontalPodAutoscaler', 'web')).metadata.uid).toBe(uid);
  });

  story(
    'an object moves to another version when the one that it was applied with is dropped',
    async ({ space }) => {
      const group = await install(space, { Plate: ['v1alpha1', 'v1'] });
      await space.transform('shop', inline({ plate: custom(`${group}/v1alpha1`, 'Plate') }));
      await space.untilReady('shop');
      const uid = await space.kubectl(['get', `plates.${group}`, 'one', '-o', 'jsonpath={.metadata.uid}']);
      await retireFirstVersion(space, `plates.${group}`);
      await space.transform('shop', inline({ plate: custom(`${group}/v1`, 'Plate', 4) }));
      await space.untilReady('shop');
      const format = 'jsonpath={.metadata.uid} {.spec.size}';
      expect(await space.kubectl(['get', `plates.${group}`, 'one', '-o', format])).toBe(`${uid} 4`);
    },
  );
});
