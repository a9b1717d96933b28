// How the objects of a node are written, as its applyPolicy says.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import type { AuditLog } from '../test/control-plane/index.ts';
import {
  applyDocExample,
  cluster,
  configMap,
  inline,
  member,
  type NodeInModule,
  type Space,
  story,
  until,
  useOperator,
  writesSince,
} from './support/index.ts';

const running = useOperator();
const PAGE = 'apply-policies.md';

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

/** A node with an apply policy. */
function governed(node: NodeInModule, applyPolicy: JsonObject): NodeInModule {
  return { ...node, applyPolicy };
}

/** A node that holds a ConfigMap whose data can't be changed. */
function fixed(name: string, value: string, applyPolicy: JsonObject = {}): NodeInModule {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    immutable: true,
    data: { k: value },
  };
  return { object, applyPolicy };
}

async function untilError(space: Space, transform: string, node: string, reason: string): Promise<string> {
  await space.untilFound('ResourceGraph', transform);
  const { nodeStatus } = await until(
    `node ${node} of ${transform} fails with ${reason}`,
    () => space.graphStatus(transform),
    (status) => status.nodeStatus?.[node]?.phase === 'Error' && status.nodeStatus[node].reason === reason,
  );
  return nodeStatus?.[node]?.message ?? '';
}

async function originOf(space: Space, transform: string, name: string): Promise<string | undefined> {
  const { inventory } = await space.graphStatus(transform);
  return inventory?.items.find((item) => item.name === name)?.origin;
}

describe.concurrent('mode Create', () => {
  story(
    'what is made once is left to whoever edits it, and made again when it is gone',
    async ({ space }) => {
      await applyDocExample(space, PAGE, 'create');
      await space.untilReady('seeded');
      expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { colour: 'blue' } });

      const mark = await audit.mark();
      await space.patch('ConfigMap', 'settings', { data: { colour: 'red' } });
      await space.patch('Transform', 'seeded', { spec: { input: { colour: 'green' } } });
      await space.untilReady('seeded');
      expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { colour: 'red' } });
      const writes = await writesSince(audit, mark, space.namespace);
      expect(writes.filter(({ resource }) => resource === 'configmaps')).toEqual([]);

      await space.delete('ConfigMap', 'settings');
      await space.untilFound('ConfigMap', 'settings', (found) => member(found, 'data', 'colour') === 'green');
      await space.untilReady('seeded');
      await space.delete('Transform', 'seeded');
      await space.untilGone('ConfigMap', 'settings');
    },
  );

  story('what was there is not touched, not even by a label, and stays', async ({ space }) => {
    const before = await space.create('ConfigMap', 'settings', { data: { colour: 'red' } });
    await applyDocExample(space, PAGE, 'create');
    await space.untilReady('seeded');
    expect(await originOf(space, 'seeded', 'settings')).toBe('Found');
    await space.delete('Transform', 'seeded');
    await space.untilGone('Transform', 'seeded');
    expect(await space.get('ConfigMap', 'settings')).toEqual(before);
  });
});

describe.concurrent('conflictPolicy', () => {
  story('Force takes the field of a kubectl user, and leaves them the rest', async ({ space }) => {
    await space.kubectl([
      'create',
      'configmap',
      'settings',
      '--from-literal=colour=red',
      '--from-literal=k=theirs',
    ]);
    await applyDocExample(space, PAGE, 'force');
    await space.untilReady('forcing');
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { colour: 'blue', k: 'theirs' } });
    expect(await originOf(space, 'forcing', 'settings')).toBe('Found');
    expect(running.operator.log).toContain('.data.colour from kubectl-create');

    await space.delete('Transform', 'forcing');
    await space.untilGone('Transform', 'forcing');
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { colour: 'blue', k: 'theirs' } });
  });

  story('Force takes a field back from another server-side applier', async ({ space }) => {
    await applyDocExample(space, PAGE, 'force');
    await space.untilReady('forcing');
    const theirs = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { colour: 'red' },
    };
    const flags = ['apply', '--server-side', '--force-conflicts', '--field-manager=gitops', '-f', '-'];
    await space.kubectl(flags, JSON.stringify(theirs));
    await space.untilFound('ConfigMap', 'settings', (found) => member(found, 'data', 'colour') === 'blue');
    await space.untilReady('forcing');
  });

  story('Force does not take what another Transform has', async ({ space }) => {
    await space.transform('first', inline({ one: configMap('settings', { colour: 'red' }) }));
    await space.untilReady('first');
    await applyDocExample(space, PAGE, 'force');
    const message = await untilError(space, 'forcing', 'settings', 'FieldConflict');
    expect(message).toContain(`belongs to Transform ${space.namespace}/first`);
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { colour: 'red' } });
    await space.untilReady('first');
  });

  story('a conflict ends as soon as the other lets go of the field', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
    await space.untilReady('shop');
    const theirs = (data: JsonObject): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data });
    const flags = ['apply', '--server-side', '--force-conflicts', '--field-manager=gitops', '-f', '-'];
    await space.kubectl(flags, theirs({ k: 'theirs' }));
    await untilError(space, 'shop', 'a', 'FieldConflict');
    await space.kubectl(flags, theirs({ other: 'theirs' }));
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
    await space.untilReady('shop');
  });
});

describe.concurrent('recreate', () => {
  story('a Job whose template changes is run anew', async ({ space }) => {
    await applyDocExample(space, PAGE, 'recreate');
    await space.untilReady('migrating');
    const { uid } = (await space.get('Job', 'migration')).metadata;
    await space.patch('Transform', 'migrating', { spec: { input: { version: '2' } } });
    await space.untilFound('Job', 'migration', ({ metadata }) => metadata.uid !== uid);
    await space.untilReady('migrating');
    expect(await originOf(space, 'migrating', 'migration')).toBe('Created');
  });

  story('without the policy the error names the field and the policy', async ({ space }) => {
    await space.transform('shop', inline({ a: fixed('a', '1') }));
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'a')).metadata;
    await space.transform('shop', inline({ a: fixed('a', '2') }));
    const message = await untilError(space, 'shop', 'a', 'ImmutableField');
    expect(message).toContain('data');
    expect(message).toContain('recreate: OnImmutable');
    expect((await space.get('ConfigMap', 'a')).metadata.uid).toBe(uid);

    await space.transform('shop', inline({ a: fixed('a', '2', { recreate: 'OnImmutable' }) }));
    await space.untilFound('ConfigMap', 'a', ({ metadata }) => metadata.uid !== uid);
    await space.untilReady('shop');
  });

  story('without the policy, it is made anew as soon as somebody deletes it', async ({ space }) => {
    await space.transform('shop', inline({ a: fixed('a', '1') }));
    await space.untilReady('shop');
    await space.transform('shop', inline({ a: fixed('a', '2') }));
    await untilError(space, 'shop', 'a', 'ImmutableField');
    await space.delete('ConfigMap', 'a');
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === '2');
    await space.untilReady('shop');
  });

  story('a Service gets another clusterIP', async ({ space }) => {
    const service = (spec: JsonObject): NodeInModule => {
      const object = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: { ports: [{ port: 80 }], ...spec },
      };
      return governed({ object }, { recreate: 'OnImmutable' });
    };
    await space.transform('shop', inline({ web: service({}) }));
    await space.untilReady('shop');
    await space.transform('shop', inline({ web: service({ clusterIP: 'None' }) }));
    await space.untilFound('Service', 'web', (found) => member(found, 'spec', 'clusterIP') === 'None');
    await space.untilReady('shop');
  });

  story('a claim is not deleted before it allows that itself', async ({ space }) => {
    const claim = (mode: string): NodeInModule => {
      const spec = { accessModes: [mode], resources: { requests: { storage: '1Gi' } } };
      const object = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'disk' }, spec };
      return governed({ object, readyWhen: [{ type: 'Exists' }] }, { recreate: 'OnImmutable' });
    };
    await space.transform('shop', inline({ disk: claim('ReadWriteOnce') }));
    await space.untilReady('shop');
    const { uid } = (await space.get('PersistentVolumeClaim', 'disk')).metadata;
    await space.transform('shop', inline({ disk: claim('ReadWriteMany') }));
    const message = await untilError(space, 'shop', 'disk', 'ImmutableField');
    expect(message).toContain('pequod.io/allow-recreate');
    expect((await space.get('PersistentVolumeClaim', 'disk')).metadata.uid).toBe(uid);

    await space.kubectl(['annotate', 'pvc', 'disk', 'pequod.io/allow-recreate=true']);
    await space.transform('shop', inline({ disk: claim('ReadWriteMany'), more: configMap('more') }));
    await space.untilFound('PersistentVolumeClaim', 'disk', ({ metadata }) => metadata.uid !== uid);
    await space.untilReady('shop');
  });
});

story('the operator is killed while an object that it deleted is on its way out', async ({ space }) => {
  await space.transform('shop', inline({ a: fixed('a', '1', { recreate: 'OnImmutable' }) }));
  await space.untilReady('shop');
  const { uid } = (await space.get('ConfigMap', 'a')).metadata;
  await space.patch('ConfigMap', 'a', { metadata: { finalizers: ['example.com/hold'] } });
  const mark = await audit.mark();
  await space.transform('shop', inline({ a: fixed('a', '2', { recreate: 'OnImmutable' }) }));
  await until(
    'the node says that it is made anew',
    () => space.graphStatus('shop'),
    (status) => status.nodeStatus?.['a']?.reason === 'Recreating',
  );
  await running.operator.kill9();
  await space.patch('ConfigMap', 'a', { metadata: { finalizers: null } });
  await space.untilGone('ConfigMap', 'a');
  await running.operator.restart();
  const made = await space.untilFound('ConfigMap', 'a', ({ metadata }) => metadata.uid !== uid);
  expect(made).toMatchObject({ data: { k: '2' } });
  await space.untilReady('shop');
  const writes = await writesSince(audit, mark, space.namespace);
  const own = writes.filter(({ resource, name }) => resource === 'configmaps' && name === 'a');
  expect(own.filter(({ verb }) => verb === 'delete')).toHaveLength(1);
  expect(own.filter(({ code }) => code === 201)).toHaveLength(1);
  expect((await space.get('ConfigMap', 'a')).metadata.uid).toBe(made.metadata.uid);
});

story('an object that can not be changed is deleted while the operator is down', async ({ space }) => {
  await space.transform('shop', inline({ a: fixed('a', '1') }));
  await space.untilReady('shop');
  await space.transform('shop', inline({ a: fixed('a', '2') }));
  await untilError(space, 'shop', 'a', 'ImmutableField');
  await running.operator.kill9();
  await space.delete('ConfigMap', 'a');
  await running.operator.restart();
  // Long before its next attempt, which is minutes away.
  await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === '2');
  await space.untilReady('shop');
});

story('an update takes back what somebody changes at the same moment', async ({ space }) => {
  await space.transform('shop', inline({ a: configMap('a', { k: '1', l: '1' }) }));
  await space.untilReady('shop');
  await running.operator.stop();
  await space.patch('ConfigMap', 'a', { data: { k: 'edited' } });
  await space.transform('shop', inline({ a: configMap('a', { k: '2', l: '2' }) }));
  await running.operator.restart();
  await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === '2');
  await space.untilReady('shop');
});
