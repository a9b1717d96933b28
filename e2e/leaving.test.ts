import { describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import {
  cluster,
  configMap,
  deploymentObject,
  inline,
  type Kind,
  type NodeInModule,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator();

const HOLD = 'example.com/hold';

async function isLeaving(space: Space, kind: Kind, name: string): Promise<boolean> {
  return (await space.get(kind, name)).metadata.deletionTimestamp !== undefined;
}

/** The object is where it was, with its values, and carries nothing of ours. */
async function expectReleased(
  space: Space,
  name: string,
  uid: string | undefined,
  data: JsonObject,
): Promise<void> {
  const { metadata, ...rest } = await space.get('ConfigMap', name);
  expect(rest).toMatchObject({ data });
  expect(metadata.uid).toBe(uid);
  expect(metadata.deletionTimestamp).toBeUndefined();
  expect(JSON.stringify([metadata.labels, metadata.annotations])).not.toMatch(/pequod|applyset/);
}

function claim(name: string, more: JsonObject = {}): NodeInModule {
  const resources = { requests: { storage: '1Gi' } };
  return {
    ...more,
    readyWhen: [{ type: 'Exists' }],
    object: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], resources },
    },
  };
}

/** A graph that runs, and that says of one object that it stays in a version which nobody may apply. @returns its uid */
async function keepWithoutRights(space: Space): Promise<string | undefined> {
  await space.transform('shop', inline({ data: configMap('data', { k: '1' }), app: configMap('app') }));
  await space.untilReady('shop');
  const { uid } = (await space.get('ConfigMap', 'data')).metadata;
  // No account of a story may do this, so that the pass ends before it writes anything.
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'role' } };
  const nodes = {
    data: configMap('data', { k: '1' }, { deletionPolicy: 'Orphan' }),
    app: configMap('app'),
    role: { object: role },
  };
  await space.transform('shop', inline(nodes));
  await space.untilTransform(
    'shop',
    'lacks rights',
    ({ status }) => status?.blockedBy?.includes('roles') === true,
  );
  return uid;
}

describe.concurrent('a Transform goes', () => {
  story('what its module came to keep stays, though nothing could be applied since', async ({ space }) => {
    const uid = await keepWithoutRights(space);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual(['data']);
    await expectReleased(space, 'data', uid, { k: '1' });
  });

  story('… and when the module drops it before anything could be applied', async ({ space }) => {
    const uid = await keepWithoutRights(space);
    await space.transform('shop', inline({ app: configMap('app') }));
    await until(
      'the inventory has let go of it',
      () => space.graphStatus('shop'),
      ({ inventory }) => inventory?.items.length === 1,
    );
    await expectReleased(space, 'data', uid, { k: '1' });
  });

  story('what depends on others goes first, and is gone before they are touched', async ({ space }) => {
    const nodes = {
      base: configMap('base'),
      app: { object: deploymentObject('app'), dependsOn: ['base'] },
      top: configMap('top', {}, { dependsOn: ['app'] }),
    };
    await space.transform('shop', inline(nodes));
    await space.untilReady('shop');
    await space.patch('ConfigMap', 'top', { metadata: { finalizers: [HOLD] } });
    await space.delete('Transform', 'shop');
    await until(
      'top is held',
      () => isLeaving(space, 'ConfigMap', 'top'),
      (leaving) => leaving,
    );
    await until(
      'the status says what is waited for',
      () => space.graphStatus('shop'),
      ({ blockedBy }) =>
        blockedBy?.includes('/top is being deleted since') === true && blockedBy.includes(HOLD),
    );
    expect(await isLeaving(space, 'Deployment', 'app')).toBe(false);
    expect(await isLeaving(space, 'ConfigMap', 'base')).toBe(false);

    await space.patch('ConfigMap', 'top', { metadata: { finalizers: null } });
    await space.untilGone('ConfigMap', 'base');
    // Gone means that its Pods are gone too.
    expect(await space.names('Pod')).toEqual([]);
    expect(await space.names('Deployment')).toEqual([]);
    await space.untilGone('ResourceGraph', 'shop');
    await space.untilGone('Transform', 'shop');
  });

  story('deletionPolicy Orphan: everything stays as it is, and is nobody’s', async ({ space }) => {
    const spec = inline({ a: configMap('a', { k: 'v' }) });
    await space.transform('shop', { ...spec, deletionPolicy: 'Orphan' });
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'a')).metadata;
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    await expectReleased(space, 'a', uid, { k: 'v' });
  });

  story('deletionPolicy Orphan counts at once, even while the module is broken', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'v' }) }));
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'a')).metadata;
    await space.transform('shop', {
      cueRef: { type: 'inline', ref: 'package broken {' },
      deletionPolicy: 'Orphan',
    });
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    await expectReleased(space, 'a', uid, { k: 'v' });
  });

  story('kubectl delete --cascade=orphan: everything stays too', async ({ space }) => {
    await space.transform(
      'shop',
      inline({ a: configMap('a', { k: 'v' }), b: configMap('b', {}, { dependsOn: ['a'] }) }),
    );
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'a')).metadata;
    await space.kubectl(['delete', 'transform', 'shop', '--cascade=orphan', '--timeout=40s']);
    await space.untilGone('ResourceGraph', 'shop');
    await expectReleased(space, 'a', uid, { k: 'v' });
    expect(await space.names('ConfigMap')).toEqual(['a', 'b']);
  });

  story('kubectl delete --cascade=foreground: everything goes', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a') }));
    await space.untilReady('shop');
    await space.kubectl(['delete', 'transform', 'shop', '--cascade=foreground', '--timeout=40s']);
    expect(await space.names('ConfigMap')).toEqual([]);
    await space.untilGone('ResourceGraph', 'shop');
  });

  story(
    'a volume claim stays unless its node says otherwise; a node may say that its object stays',
    async ({ space }) => {
      const nodes = {
        kept: claim('kept'),
        gone: claim('gone', { deletionPolicy: 'Delete' }),
        stays: configMap('stays', { k: 'v' }, { deletionPolicy: 'Orphan' }),
      };
      await space.transform('shop', inline(nodes));
      await space.untilReady('shop');
      const { uid } = (await space.get('ConfigMap', 'stays')).metadata;
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      await space.untilGone('PersistentVolumeClaim', 'gone');
      expect(await isLeaving(space, 'PersistentVolumeClaim', 'kept')).toBe(false);
      await expectReleased(space, 'stays', uid, { k: 'v' });
    },
  );

  story(
    'the graph is deleted by hand: the objects stay, a new graph owns them and takes them along',
    async ({ space }) => {
      const nodes = {
        a: configMap('a', { k: 'v' }),
        web: { object: deploymentObject('web'), dependsOn: ['a'] },
      };
      await space.transform('shop', inline(nodes));
      await space.untilReady('shop');
      const before = [await space.get('ConfigMap', 'a'), await space.get('Deployment', 'web')];
      const { uid } = (await space.get('ResourceGraph', 'shop')).metadata;
      await space.kubectl(['delete', 'resourcegraph', 'shop']);
      await space.untilFound('ResourceGraph', 'shop', ({ metadata }) => metadata.uid !== uid);
      const { inventory } = await until(
        'the inventory is whole again',
        () => space.graphStatus('shop'),
        (status) => status.phase === 'Ready',
      );
      await space.untilReady('shop');
      const uids = before.map(({ metadata }) => metadata.uid);
      expect(
        [await space.get('ConfigMap', 'a'), await space.get('Deployment', 'web')].map(
          (one) => one.metadata.uid,
        ),
      ).toEqual(uids);
      expect(inventory?.items.map((item) => item.uid).sort()).toEqual([...uids].sort());
      expect(inventory?.items.map(({ origin }) => origin)).toEqual(['Created', 'Created']);

      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect([...(await space.names('ConfigMap')), ...(await space.names('Deployment'))]).toEqual([]);
    },
  );

  story('a namespace is deleted with a Transform in it: it goes completely', async ({ space }) => {
    await space.transform(
      'shop',
      inline({ a: configMap('a'), web: { object: deploymentObject('web'), dependsOn: ['a'] } }),
    );
    await space.untilReady('shop');
    await cluster.kubectl(['delete', 'namespace', space.namespace, '--timeout=60s']);
    await cluster.kubectl(['create', 'namespace', space.namespace]);
  });

  story('a Transform that never had a graph goes at once', async ({ space }) => {
    await space.transform('shop', { cueRef: { type: 'inline', ref: 'package broken {' } });
    await space.untilTransform('shop', 'is refused', ({ status }) => status?.violations !== undefined);
    await space.kubectl(['delete', 'transform', 'shop', '--timeout=20s']);
  });

  story('a child that somebody else took over is left to them', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'v' }) }));
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'a')).metadata;
    await space.kubectl(['delete', 'configmap', 'a']);
    await space.untilFound('ConfigMap', 'a', ({ metadata }) => metadata.uid !== uid);
    await space.untilReady('shop');
    await space.delete('Transform', 'shop');
    await space.untilGone('ConfigMap', 'a');
    await space.create('ConfigMap', 'a', { data: { k: 'theirs' } });
    await space.untilGone('Transform', 'shop');
    expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { k: 'theirs' } });
  });
});
