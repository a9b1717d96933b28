import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import type { AuditLog, AuditMark } from '../test/control-plane/index.ts';
import {
  cluster,
  conditionOf,
  configMap,
  deploymentObject,
  describeCall,
  inline,
  member,
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

/** Writes to objects of the graph, as `verb resource/name`: what is written to the graph itself does not count. */
async function childWrites(space: Space, mark: AuditMark): Promise<readonly string[]> {
  const writes = await writesSince(audit, mark, space.namespace);
  return writes.filter(({ apiGroup }) => apiGroup !== 'platform.pequod.io').map(describeCall);
}

/** Lets everything that the last change may have caused come to an end: another Transform comes up after it. */
async function settle(space: Space): Promise<void> {
  await space.transform('later', inline({ later: configMap('later') }));
  await space.untilReady('later');
}

function autoscaler(name: string, minReplicas: number): JsonObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas,
      maxReplicas: 6,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    },
  };
}

describe.concurrent('somebody changes what a Transform brought', () => {
  story(
    'somebody who undoes each repair at once is answered ever more slowly, and never given up',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
      await space.untilReady('shop');
      const mark = await audit.mark();
      const endsAt = performance.now() + 5_000;
      while (performance.now() < endsAt) {
        await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
        await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } });
      }
      const repairs = (await childWrites(space, mark)).filter((write) => write === 'patch configmaps/a');
      expect(repairs.length).toBeLessThan(15);
      await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
      await space.untilReady('shop');
    },
  );

  story('an edit is taken back by exactly one write', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
    await space.untilReady('shop');
    const mark = await audit.mark();
    await space.kubectl(['patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"k":"edited"}}']);
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
    await settle(space);
    expect((await childWrites(space, mark)).filter((write) => write.endsWith('/a'))).toEqual([
      'patch configmaps/a',
    ]);
    await space.untilReady('shop');
  });

  story('a field that we set and somebody removed comes back', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'ours', l: 'too' }) }));
    await space.untilReady('shop');
    await space.kubectl(['patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"k":null}}']);
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
  });

  story('a label of ours that was removed comes back, with one write', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'v' }) }));
    await space.untilReady('shop');
    const { labels, uid } = (await space.get('ConfigMap', 'a')).metadata;
    const mark = await audit.mark();
    await space.kubectl(['label', 'configmap', 'a', 'pequod.io/graph-']);
    const back = await space.untilFound(
      'ConfigMap',
      'a',
      ({ metadata }) => metadata.labels?.['pequod.io/graph'] !== undefined,
    );
    expect(back.metadata).toMatchObject({ labels, uid });
    await settle(space);
    expect((await childWrites(space, mark)).filter((write) => write.endsWith('/a'))).toEqual([
      'patch configmaps/a',
    ]);
  });

  story('an object that was deleted is made again', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'v' }), b: configMap('b') }));
    await space.untilReady('shop');
    const before = await space.get('ConfigMap', 'a');
    const mark = await audit.mark();
    await space.kubectl(['delete', 'configmap', 'a']);
    const again = await space.untilFound(
      'ConfigMap',
      'a',
      ({ metadata }) => metadata.uid !== before.metadata.uid,
    );
    expect(again).toMatchObject({ data: { k: 'v' } });
    await until(
      'the inventory knows the new object',
      () => space.graphStatus('shop'),
      ({ inventory }) => inventory?.items.some(({ uid }) => uid === again.metadata.uid) === true,
    );
    await settle(space);
    expect((await childWrites(space, mark)).filter((write) => !write.endsWith('/later'))).toEqual([
      'patch configmaps/a',
    ]);
    await space.delete('Transform', 'shop');
    await space.untilGone('ConfigMap', 'a');
  });

  story('an object that is held on its way out is waited for by name, then made again', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'v' }) }));
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'a')).metadata;
    await space.patch('ConfigMap', 'a', { metadata: { finalizers: ['example.com/hold'] } });
    await space.delete('ConfigMap', 'a');
    const waiting = await space.untilTransform(
      'shop',
      'says what it waits for',
      ({ status }) => status?.blockedBy?.includes('ConfigMap') === true,
    );
    expect(waiting.status?.blockedBy).toMatch(/^a: ConfigMap .*\/a: .*delet.* since /);
    await space.patch('ConfigMap', 'a', { metadata: { finalizers: null } });
    await space.untilFound('ConfigMap', 'a', ({ metadata }) => metadata.uid !== uid);
    await space.untilReady('shop');
  });

  story('a field that somebody added is left alone, without a write', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
    await space.untilReady('shop');
    const mark = await audit.mark();
    await space.kubectl(['patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"extra":"theirs"}}']);
    await space.kubectl(['label', 'configmap', 'a', 'team=theirs']);
    await settle(space);
    expect((await childWrites(space, mark)).filter((write) => write.endsWith('/a'))).toEqual([]);
    await space.transform('shop', inline({ a: configMap('a', { k: 'changed' }) }));
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'changed');
    expect(await space.get('ConfigMap', 'a')).toMatchObject({
      data: { extra: 'theirs' },
      metadata: { labels: { team: 'theirs' } },
    });
  });

  story(
    'a field that somebody else took by an apply is not fought for: both are named',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
      await space.untilReady('shop');
      const mark = await audit.mark();
      const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'theirs' } };
      const flags = ['apply', '--server-side', '--force-conflicts', '--field-manager=gitops', '-f', '-'];
      await space.kubectl(flags, JSON.stringify(theirs));
      const blocked = await space.untilTransform(
        'shop',
        'tells of the conflict',
        (transform) => conditionOf(transform, 'Ready')?.status === 'False',
      );
      expect(blocked.status?.blockedBy).toMatch(/gitops.*\.data\.k|\.data\.k.*gitops/);
      await settle(space);
      expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { k: 'theirs' } });
      const tries = (await childWrites(space, mark)).filter((write) => write.endsWith('/a'));
      expect(tries.length).toBeLessThanOrEqual(1);
    },
  );

  story(
    'an autoscaler scales undisturbed, and an update of another field does not reset it',
    async ({ space }) => {
      const nodes = (image: string): Parameters<typeof inline>[0] => {
        const object = deploymentObject('web', { replicas: 1, minReadySeconds: image === 'new' ? 1 : 0 });
        return {
          web: { object, ignoreFields: ['/spec/replicas'] },
          scaler: { object: autoscaler('web', 3), dependsOn: ['web'], readyWhen: [{ type: 'Exists' }] },
        };
      };
      await space.transform('shop', inline(nodes('old')));
      await space.untilReady('shop');
      const mark = await audit.mark();
      await space.untilFound('Deployment', 'web', (found) => member(found, 'spec', 'replicas') === 3);
      await space.kubectl(['scale', 'deployment', 'web', '--replicas=4']);
      await settle(space);
      expect(await space.get('Deployment', 'web')).toMatchObject({ spec: { replicas: 4 } });
      expect((await childWrites(space, mark)).filter((write) => write.endsWith('/web'))).toEqual([]);

      await space.transform('shop', inline(nodes('new')));
      await space.untilFound('Deployment', 'web', (found) => member(found, 'spec', 'minReadySeconds') === 1);
      await space.untilReady('shop');
      expect(await space.get('Deployment', 'web')).toMatchObject({ spec: { replicas: 4 } });
    },
  );

  story('a webservice with autoscaling comes up with its least number of Pods', async ({ space }) => {
    const input = { image: 'docker.io/library/web:1', autoscaling: { minReplicas: 2, maxReplicas: 4 } };
    await space.transform('web', { cueRef: { type: 'embedded', ref: 'webservice' }, input });
    await space.untilReady('web');
    expect(await space.get('Deployment', 'web')).toMatchObject({ spec: { replicas: 2 } });
    const mark = await audit.mark();
    await space.kubectl(['scale', 'deployment', 'web', '--replicas=3']);
    await settle(space);
    expect((await childWrites(space, mark)).filter((write) => write.endsWith('/web'))).toEqual([]);
    expect(await space.get('Deployment', 'web')).toMatchObject({ spec: { replicas: 3 } });
  });
});
