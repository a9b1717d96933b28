import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { NodeStatus } from '../src/api/index.ts';
import type { JsonObject } from '../src/json/index.ts';
import type { AuditLog } from '../test/control-plane/index.ts';
import {
  applyDocExample,
  cluster,
  configMap,
  deploymentObject,
  describeCall,
  docExample,
  inline,
  member,
  NEVER_RUNS,
  type Space,
  story,
  until,
  useOperator,
  writesSince,
} from './support/index.ts';

useOperator();

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

/** `spec.adopt` for ConfigMaps of these names. */
function adopting(strategy: 'Mirror' | 'TakeOwnership', ...names: readonly string[]): JsonObject {
  const resources = names.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', name }));
  return { adopt: { mode: 'Explicit', strategy, resources } };
}

async function managersOf(space: Space, name: string): Promise<readonly string[]> {
  const { managedFields } = (await space.get('ConfigMap', name)).metadata;
  return (managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);
}

async function origins(space: Space, transform: string): Promise<JsonObject> {
  const { inventory } = await space.graphStatus(transform);
  return Object.fromEntries((inventory?.items ?? []).map(({ name, origin }) => [name, origin]));
}

describe.concurrent('taking objects over', () => {
  story('what was made by hand is run from a module, as the page shows', async ({ space }) => {
    await space.kubectl(['apply', '-f', '-'], await docExample('adoption.md', 'by hand'));
    const before = await space.get('Deployment', 'web');
    await applyDocExample(space, 'adoption.md', 'take over');
    await space.untilReady('shop');
    const adopted = await space.get('Deployment', 'web');
    expect(adopted.metadata.uid).toBe(before.metadata.uid);
    expect(member(adopted, 'metadata', 'annotations', 'deployment.kubernetes.io/revision')).toBe('1');
    expect(await origins(space, 'shop')).toEqual({ web: 'Adopted' });
    const { nodeStatus } = await space.graphStatus('shop');
    expect(nodeStatus?.['web']).toMatchObject({
      phase: 'Ready',
      adopted: true,
      previousManagers: ['kubectl-client-side-apply (Update)'],
    });
    expect(nodeStatus?.['service']).toMatchObject({ phase: 'Ready', adopted: true });

    // Drift is put right, and what the module drops goes.
    await space.patch('Deployment', 'web', { spec: { replicas: 7 } });
    await space.untilFound('Deployment', 'web', (web) => member(web, 'spec', 'replicas') === 2);
    await applyDocExample(space, 'adoption.md', 'change afterwards');
    await space.untilFound(
      'Deployment',
      'web',
      (web) => member(web, 'metadata', 'labels', 'owner') === undefined,
    );
    await space.untilReady('shop');
    expect((await space.graphStatus('shop')).nodeStatus?.['web']).toMatchObject({
      adopted: true,
      previousManagers: ['kubectl-client-side-apply (Update)'],
    });

    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.find('Deployment', 'web')).toBeUndefined();
    expect(await space.find('Service', 'web')).toBeUndefined();
  });

  story('a node may say itself that it adopts; what is missing is created', async ({ space }) => {
    await space.kubectl(['create', 'configmap', 'old', '--from-literal=k=v', '--from-literal=extra=1']);
    const applyPolicy = { mode: 'Adopt' };
    await space.transform(
      'shop',
      inline({
        old: configMap('old', { k: 'v' }, { applyPolicy }),
        new: configMap('new', { k: 'v' }, { applyPolicy }),
        plain: configMap('plain', {}),
      }),
    );
    await space.untilReady('shop');
    expect(await origins(space, 'shop')).toEqual({ old: 'Adopted', new: 'Created', plain: 'Created' });
    expect(await space.get('ConfigMap', 'old')).toMatchObject({ data: { k: 'v' } });
    expect(member(await space.get('ConfigMap', 'old'), 'data', 'extra')).toBeUndefined();
    const { nodeStatus } = await space.graphStatus('shop');
    expect(nodeStatus?.['old']?.adopted).toBe(true);
    expect(nodeStatus?.['new']?.adopted).toBeUndefined();
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual([]);
  });

  story('who had it before stays said, though somebody takes our label away later', async ({ space }) => {
    await space.kubectl(['create', 'configmap', 'old', '--from-literal=k=theirs']);
    await space.transform(
      'shop',
      inline({ old: configMap('old', { k: 'v' }) }, adopting('TakeOwnership', 'old')),
    );
    await space.untilReady('shop');
    const managers = (await space.graphStatus('shop')).nodeStatus?.['old']?.previousManagers;
    expect(managers).toEqual([expect.stringContaining('kubectl-create')]);
    await space.kubectl(['label', 'configmap', 'old', 'pequod.io/graph-']);
    await space.untilFound(
      'ConfigMap',
      'old',
      ({ metadata }) => metadata.labels?.['pequod.io/graph'] !== undefined,
    );
    await space.kubectl(['annotate', 'transform', 'shop', 'pequod.io/reconcile=now']);
    await space.untilTransform(
      'shop',
      'was looked at',
      ({ status }) => status?.lastHandledReconcileAt === 'now',
    );
    expect((await space.graphStatus('shop')).nodeStatus?.['old']?.previousManagers).toEqual(managers);
  });

  story('who had it before stays said, wherever the object goes and comes back from', async ({ space }) => {
    await space.kubectl(['create', 'configmap', 'old', '--from-literal=k=theirs']);
    const old = configMap('old', { k: 'v' });
    const taken = inline({ old }, adopting('TakeOwnership', 'old'));
    const managers = ['kubectl-create (Update): .data.k'];
    const nodeStatus = async (node: string): Promise<NodeStatus | undefined> =>
      (await space.graphStatus('shop')).nodeStatus?.[node];
    const isTaken = { adopted: true, previousManagers: managers };
    await space.transform('shop', taken);
    await space.untilReady('shop');
    expect(await nodeStatus('old')).toMatchObject(isTaken);

    // Let go, only read for a while, and taken up again.
    await space.transform('shop', inline({ old }, adopting('Mirror', 'old')));
    await space.untilFound('ConfigMap', 'old', ({ metadata }) => metadata.labels === undefined);
    expect(await managersOf(space, 'old')).toEqual(['pequod-released Apply']);
    await space.transform('shop', taken);
    await space.untilFound('ConfigMap', 'old', ({ metadata }) => metadata.labels !== undefined);
    await space.untilReady('shop');
    expect(await nodeStatus('old')).toMatchObject(isTaken);

    // The node has another object for a while, that can't be.
    await space.transform(
      'shop',
      inline({ old: configMap('Bad_Name', { k: 'v' }) }, adopting('TakeOwnership', 'old')),
    );
    await until(
      'the name is no good',
      () => nodeStatus('old'),
      (status) => status?.phase === 'Error',
    );
    await space.transform('shop', taken);
    await space.untilReady('shop');
    expect(await nodeStatus('old')).toMatchObject(isTaken);

    // The object has another node.
    await space.transform('shop', inline({ renamed: old }, adopting('TakeOwnership', 'old')));
    await space.untilReady('shop');
    expect(await nodeStatus('renamed')).toMatchObject(isTaken);
  });

  story('what was shared is taken over once it is listed, and stays taken over', async ({ space }) => {
    await space.create('ConfigMap', 'settings', { data: { theirs: '1' } });
    const nodes = inline({ settings: configMap('settings', { ours: '2' }) });
    await space.transform('shop', nodes);
    await space.untilReady('shop');
    expect(await origins(space, 'shop')).toEqual({ settings: 'Found' });
    await space.transform('shop', { ...nodes, ...adopting('TakeOwnership', 'settings') });
    await space.untilFound(
      'ConfigMap',
      'settings',
      ({ metadata }) => metadata.annotations?.['pequod.io/origin'] === 'adopted',
    );
    await space.untilReady('shop');
    await space.transform('shop', nodes);
    await space.untilReady('shop');
    expect(await origins(space, 'shop')).toEqual({ settings: 'Adopted' });
    // What a stranger put in is still theirs.
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { theirs: '1', ours: '2' } });
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.find('ConfigMap', 'settings')).toBeUndefined();
  });
});

describe.concurrent('what goes wrong with an adoption', () => {
  story('concerns one resource; the rest runs', async ({ space }) => {
    const nodes = inline({ a: configMap('a'), b: configMap('b') });
    const resource = { apiVersion: 'v1', kind: 'ConfigMap', name: 'lost' };
    const adopt = { mode: 'Explicit', strategy: 'TakeOwnership', resources: [resource] };
    await space.transform('shop', { ...nodes, adopt });
    const failing = await space.untilFailing('shop', 'AdoptionRefused');
    expect(failing.status?.blockedBy).toContain(`ConfigMap ${space.namespace}/lost can't be adopted`);
    expect(await space.names('ConfigMap')).toEqual(['a', 'b']);
    await space.transform('shop', nodes);
    await space.untilReady('shop');
  });

  story('an object that is not the one of its node stops that node and its dependents', async ({ space }) => {
    await space.create('ConfigMap', 'one', { data: { k: 'theirs' } });
    const adopt = {
      mode: 'Explicit',
      strategy: 'TakeOwnership',
      resources: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'one', nodeId: 'b' }],
    };
    const nodes = { a: configMap('a'), b: configMap('b'), c: configMap('c', {}, { dependsOn: ['b'] }) };
    await space.transform('shop', { ...inline(nodes), adopt });
    const failing = await space.untilFailing('shop', 'AdoptionRefused');
    expect(failing.status?.nodes?.['b']?.lastError).toContain(
      `ConfigMap ${space.namespace}/one can't be adopted as node b: that one is ConfigMap ${space.namespace}/b`,
    );
    expect(await space.names('ConfigMap')).toEqual(['a', 'one']);
  });

  story("another Transform's object is refused by name, and not touched", async ({ space }) => {
    await space.transform('first', inline({ one: configMap('claimed', { k: 'first' }) }));
    await space.untilReady('first');
    const before = await space.get('ConfigMap', 'claimed');
    await space.transform('second', {
      ...inline({ one: configMap('claimed', { k: 'second' }), two: configMap('two') }),
      ...adopting('TakeOwnership', 'claimed'),
    });
    const failing = await space.untilFailing('second', 'AdoptionRefused');
    expect(failing.status?.blockedBy).toContain(`belongs to Transform ${space.namespace}/first`);
    expect(await space.get('ConfigMap', 'claimed')).toEqual(before);
    expect(await space.find('ConfigMap', 'two')).toBeDefined();
    await space.delete('Transform', 'second');
    await space.untilGone('Transform', 'second');
    expect(await space.get('ConfigMap', 'claimed')).toEqual(before);
  });

  story('an object in another namespace is refused', async ({ space }) => {
    const resources = [
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'kube-root-ca.crt' },
    ];
    await space.transform('shop', {
      ...inline({ a: configMap('a') }),
      adopt: { mode: 'Explicit', strategy: 'TakeOwnership', resources },
    });
    const failing = await space.untilFailing('shop', 'AdoptionRefused');
    expect(failing.status?.blockedBy).toContain('another namespace');
    expect(await space.names('ConfigMap')).toEqual(['a']);
  });

  story('missing rights are named, and nothing is taken over', async ({ space }) => {
    await space.kubectl(['create', 'configmap', 'settings', '--from-literal=k=v']);
    const before = await space.get('ConfigMap', 'settings');
    await space.create('ServiceAccount', 'nobody', {});
    await space.transform('shop', {
      ...inline({ settings: configMap('settings', { k: 'new' }) }),
      ...adopting('TakeOwnership', 'settings'),
      serviceAccountName: 'nobody',
    });
    const failing = await space.untilFailing('shop', 'Forbidden');
    expect(failing.status?.blockedBy).toContain('configmaps');
    expect(await space.get('ConfigMap', 'settings')).toEqual(before);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.get('ConfigMap', 'settings')).toEqual(before);
  });

  story(
    'an adoption that waits for a dependency leaves the object alone, also at the end',
    async ({ space }) => {
      await space.kubectl(['create', 'configmap', 'settings', '--from-literal=k=old']);
      const before = await space.get('ConfigMap', 'settings');
      const db = { object: deploymentObject('db', {}, NEVER_RUNS) };
      const settings = configMap('settings', { k: 'new' }, { dependsOn: ['db'] });
      await space.transform('shop', {
        ...inline({ db, settings }),
        ...adopting('TakeOwnership', 'settings'),
      });
      await space.untilFound('Deployment', 'db');
      await space.untilTransform('shop', 'waits', ({ status }) => status?.nodes?.['db']?.phase === 'Applied');
      const { nodeStatus } = await space.graphStatus('shop');
      expect(nodeStatus?.['settings']).toMatchObject({
        phase: 'Pending',
        previousManagers: ['kubectl-create (Update): .data.k'],
      });
      expect(nodeStatus?.['settings']?.adopted).toBeUndefined();
      expect(await space.get('ConfigMap', 'settings')).toEqual(before);
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.get('ConfigMap', 'settings')).toEqual(before);
    },
  );

  story('an adoption that is taken back before it came about makes the object shared', async ({ space }) => {
    await space.kubectl(['create', 'configmap', 'settings', '--from-literal=theirs=1']);
    const db = { object: deploymentObject('db', {}, NEVER_RUNS) };
    const waiting = configMap('settings', { ours: '2' }, { dependsOn: ['db'] });
    await space.transform('shop', {
      ...inline({ db, settings: waiting }),
      ...adopting('TakeOwnership', 'settings'),
    });
    await space.untilTransform('shop', 'waits', ({ status }) => status?.nodes?.['db']?.phase === 'Applied');
    expect(await origins(space, 'shop')).toMatchObject({ settings: 'Adopted' });
    await space.transform('shop', inline({ settings: configMap('settings', { ours: '2' }) }));
    await space.untilReady('shop');
    expect(await origins(space, 'shop')).toMatchObject({ settings: 'Found' });
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { theirs: '1' } });
  });
});

describe.concurrent('mirrors', () => {
  story('are waited for, read, and never written', async ({ space }) => {
    const start = await audit.mark();
    await applyDocExample(space, 'adoption.md', 'mirror');
    await space.untilTransform(
      'shop',
      'waits',
      ({ status }) => status?.nodes?.['database']?.phase === 'Applied',
    );
    expect((await space.readTransform('shop')).status?.blockedBy).toContain('Deployment');
    expect(await space.find('ConfigMap', 'client')).toBeUndefined();

    const { metadata } = await space.create('Deployment', 'database', deploymentObject('database'));
    await space.untilReady('shop');
    expect(await space.find('ConfigMap', 'client')).toBeDefined();
    const mirrored = await space.get('Deployment', 'database');
    expect(mirrored.metadata.labels).toBeUndefined();
    expect((mirrored.metadata.managedFields ?? []).map(({ manager }) => manager)).not.toContain(
      `pequod/${space.namespace}/shop`,
    );
    expect(await origins(space, 'shop')).toEqual({ client: 'Created' });

    // It degrades, and so does the Transform; nobody repairs it.
    await space.patch('Deployment', 'database', {
      spec: {
        template: { metadata: { annotations: NEVER_RUNS } },
        strategy: { type: 'Recreate', rollingUpdate: null },
      },
    });
    await space.untilTransform(
      'shop',
      'is not ready',
      ({ status }) => status?.nodes?.['database']?.phase === 'Applied',
    );

    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect((await space.get('Deployment', 'database')).metadata.uid).toBe(metadata.uid);
    const writes = (await writesSince(audit, start, space.namespace)).map(describeCall);
    expect(writes).toContain('patch configmaps/client');
    expect(writes.filter((call) => call.includes('deployments'))).toEqual([]);
  });

  story('that the ServiceAccount may not read are named', async ({ space }) => {
    await space.create('ServiceAccount', 'blind', {});
    await space.create('ConfigMap', 'settings', { data: { k: 'v' } });
    await space.transform('shop', {
      ...inline({ settings: configMap('settings') }),
      ...adopting('Mirror', 'settings'),
      serviceAccountName: 'blind',
    });
    const waiting = await space.untilTransform(
      'shop',
      'waits',
      ({ status }) => status?.blockedBy?.includes('may not list and watch') === true,
    );
    expect(waiting.status?.blockedBy).toContain(`${space.namespace}/blind`);
  });

  story('that were ours before are let go, and stay', async ({ space }) => {
    const nodes = inline({ settings: configMap('settings', { k: 'v' }) });
    await space.transform('shop', nodes);
    await space.untilReady('shop');
    await space.transform('shop', { ...nodes, ...adopting('Mirror', 'settings') });
    await space.untilFound('ConfigMap', 'settings', ({ metadata }) => metadata.labels === undefined);
    await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { k: 'v' } });
    expect(await managersOf(space, 'settings')).not.toContain(`pequod/${space.namespace}/shop Apply`);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { k: 'v' } });
  });
});
