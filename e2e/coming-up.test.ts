import { describe, expect } from 'vitest';
import { parseJson } from '../src/json/index.ts';

import {
  conditionOf,
  configMap,
  deploymentObject,
  example,
  exampleSpec,
  inline,
  member,
  objectAt,
  PV_SIZE,
  story,
  useOperator,
  volumeFor,
} from './support/index.ts';

useOperator();

describe.concurrent('a Transform comes up', () => {
  story('the example webservice gets its Deployment, Service and configuration', async ({ space }) => {
    await space.transform('storefront', await exampleSpec('webservice.yaml'));
    const ready = await space.untilReady('storefront');

    const deployment = await space.get('Deployment', 'storefront');
    expect(deployment).toMatchObject({ spec: { replicas: 2 }, status: { availableReplicas: 2 } });
    expect(await space.get('Service', 'storefront')).toMatchObject({ spec: { ports: [{ port: 80 }] } });
    expect(await space.get('ConfigMap', 'storefront-env')).toMatchObject({ data: { GREETING: 'ahoy' } });
    expect(await space.find('ServiceAccount', 'storefront')).toBeDefined();
    for (const type of ['Fetched', 'Validated', 'Rendered', 'Ready']) {
      expect(conditionOf(ready, type)?.status, type).toBe('True');
    }
    expect(conditionOf(ready, 'Reconciling')).toBeUndefined();
    expect(conditionOf(ready, 'Stalled')).toBeUndefined();
    expect(ready.status?.blockedBy).toBeUndefined();
    // An owner reference could not cross namespaces or scopes, and would leave deletion to the garbage collector.
    expect(deployment.metadata.ownerReferences).toBeUndefined();
    expect(Object.values(ready.status?.nodes ?? {}).map((node) => node?.phase)).toEqual(
      new Array(4).fill('Ready'),
    );
    expect(await space.kubectl(['wait', 'transform/storefront', '--for=condition=Ready'])).toContain('met');
  });

  story('a module inside of the Transform', async ({ space }) => {
    await space.transform('hello', await exampleSpec('inline.yaml'));
    await space.untilReady('hello');
    expect(await space.get('ConfigMap', 'hello-greeting')).toMatchObject({ data: { text: 'Hello, world!' } });
    expect(await space.get('ConfigMap', 'hello-signature')).toMatchObject({
      data: { text: `from ${space.namespace}` },
    });
  });

  story('a module of several files in a ConfigMap, and a change of the module', async ({ space }) => {
    const module = (await example('configmap.yaml')).find(({ kind }) => kind === 'ConfigMap');
    await space.apply('ConfigMap', 'worker-module', {
      ...module,
      metadata: { labels: module?.metadata.labels },
    });
    await space.transform('mailer', await exampleSpec('configmap.yaml'));
    const before = await space.untilReady('mailer');
    expect(await space.get('ConfigMap', 'mailer')).toMatchObject({ data: { QUEUE: 'mails' } });

    const graph = String(member(module, 'data', 'graph.cue')).replace(
      'QUEUE: input.queue',
      'TOPIC: input.queue',
    );
    await space.patch('ConfigMap', 'worker-module', { data: { 'graph.cue': graph } });
    await space.untilFound('ConfigMap', 'mailer', (found) => member(found, 'data', 'TOPIC') === 'mails');
    const after = await space.untilTransform(
      'mailer',
      'is ready with the new module',
      (transform) =>
        conditionOf(transform, 'Ready')?.status === 'True' &&
        transform.status?.applied?.digest !== before.status?.applied?.digest,
    );
    expect(after.metadata.generation).toBe(before.metadata.generation);
  });

  story('the example database comes up on a volume, and takes it along when it goes', async ({ space }) => {
    await space.create('Secret', 'orders-credentials', { stringData: { username: 'orders', password: 'x' } });
    await space.transform('orders', await exampleSpec('database.yaml'));
    await space.untilFound('PersistentVolumeClaim', 'orders-data');
    const claims = await space.names('PersistentVolumeClaim');
    for (const claim of claims) await volumeFor(space, claim);
    await space.untilReady('orders');
    expect(await space.get('StatefulSet', 'orders')).toMatchObject({ status: { readyReplicas: 1 } });
    expect(await space.get('PersistentVolumeClaim', 'orders-data')).toMatchObject({
      status: { phase: 'Bound', capacity: { storage: PV_SIZE } },
    });

    await space.delete('Transform', 'orders');
    await space.untilGone('Transform', 'orders');
    expect(await space.names('StatefulSet')).toEqual([]);
    for (const claim of claims) await space.untilGone('PersistentVolumeClaim', claim);
  });

  story('a change of the input touches what it changes and nothing else', async ({ space }) => {
    const spec = await exampleSpec('webservice.yaml');
    await space.transform('web', spec);
    await space.untilReady('web');
    const [service, account] = [await space.get('Service', 'web'), await space.get('ServiceAccount', 'web')];
    const deployment = await space.get('Deployment', 'web');
    const graph = await space.get('ResourceGraph', 'web');
    const readyAt = (await space.graphStatus('web')).nodeStatus?.['service']?.readyAt;

    const input = { ...objectAt(spec, 'input'), env: { GREETING: 'hello' } };
    await space.transform('web', { ...spec, input });
    await space.untilFound('ConfigMap', 'web-env', (found) => member(found, 'data', 'GREETING') === 'hello');
    await space.untilReady('web');
    const versionOf = async (kind: 'Service' | 'ServiceAccount'): Promise<string | undefined> =>
      (await space.get(kind, 'web')).metadata.resourceVersion;
    expect(await versionOf('Service')).toBe(service.metadata.resourceVersion);
    expect(await versionOf('ServiceAccount')).toBe(account.metadata.resourceVersion);
    const rolled = await space.get('Deployment', 'web');
    expect(rolled.metadata.uid).toBe(deployment.metadata.uid);
    expect(rolled.metadata.generation).toBe((deployment.metadata.generation ?? 0) + 1);
    expect(rolled).toMatchObject({ status: { updatedReplicas: 2, availableReplicas: 2 } });
    expect((await space.get('ResourceGraph', 'web')).metadata.uid).toBe(graph.metadata.uid);
    expect((await space.graphStatus('web')).nodeStatus?.['service']?.readyAt).toBe(readyAt);
  });

  story('warnings of the default policies are in the status and stop nothing', async ({ space }) => {
    const bare = deploymentObject('bare');
    const image = 'registry.example.org/bare:1';
    const spec = {
      ...objectAt(bare, 'spec'),
      template: { metadata: { labels: { app: 'bare' } }, spec: { containers: [{ name: 'main', image }] } },
    };
    await space.transform('bare', inline({ app: { object: { ...bare, spec } } }));
    const { status } = await space.untilReady('bare');
    const container = 'graph.nodes.app.object.spec.template.spec.containers[0]';
    expect(status?.violations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          policy: 'image-registry',
          path: `${container}.image`,
          severity: 'Warning',
        }),
        expect.objectContaining({ policy: 'resources', path: `${container}.resources.limits.memory` }),
        expect.objectContaining({ policy: 'run-as-non-root' }),
      ]),
    );
  });

  story('a reconcile that was asked for is acknowledged', async ({ space }) => {
    await space.transform('asked', inline({ a: configMap('a') }));
    await space.untilReady('asked');
    const before = await space.get('ConfigMap', 'a');
    await space.kubectl(['annotate', 'transform', 'asked', 'pequod.io/reconcile=now-please']);
    await space.untilTransform(
      'asked',
      'has acknowledged the token',
      ({ status }) => status?.lastHandledReconcileAt === 'now-please',
    );
    expect((await space.get('ConfigMap', 'a')).metadata.resourceVersion).toBe(
      before.metadata.resourceVersion,
    );
    const { generation } = (await space.get('ResourceGraph', 'asked')).metadata;
    expect(generation, 'a render that gives the same is not written').toBe(1);
  });

  story('a name as long as names may be, with everything in it that a name may have', async ({ space }) => {
    const name = `${'a-long.name-'.repeat(20)}1.x`;
    await space.transform(name, inline({ a: configMap('a') }));
    await space.untilReady(name);
    const other = name.replace('1.x', '2.x');
    await space.transform(other, inline({ b: configMap('b') }));
    await space.untilReady(other);
    await space.delete('Transform', name);
    await space.untilGone('Transform', name);
    expect(await space.names('ConfigMap')).toEqual(['b']);
  });

  story('numbers of 64 bits reach the cluster as the Transform says them', async ({ space }) => {
    const ref = `package big
#Input: big: int
input: #Input
graph: nodes: a: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "a", data: big: "\\(input.big)"}
`;
    const input = parseJson('{"big": 9223372036854775807}');
    await space.transform('big', { cueRef: { type: 'inline', ref }, input });
    await space.untilReady('big');
    expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { big: '9223372036854775807' } });
  });
});
