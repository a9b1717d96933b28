import { describe, expect } from 'vitest';
import {
  applyDocExample,
  conditionOf,
  configMap,
  inline,
  member,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator();

describe.concurrent('suspending a Transform', () => {
  story('what people change stays as they left it, until it goes on', async ({ space }) => {
    const nodes = inline({ a: configMap('a', { k: 'ours' }), b: configMap('b') });
    await space.transform('shop', nodes);
    await space.untilReady('shop');
    await space.transform('shop', { ...nodes, suspend: true });
    await space.untilTransform('shop', 'is suspended', (transform) => {
      const ready = conditionOf(transform, 'Ready');
      return ready?.reason === 'Suspended' && ready.status === 'True';
    });
    await until(
      'the graph is suspended, too',
      () => space.graphStatus('shop'),
      ({ conditions }) => conditions?.some(({ reason }) => reason === 'Suspended') === true,
    );
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } });
    await space.delete('ConfigMap', 'b');
    await space.transform('other', inline({ other: configMap('other') }));
    await space.untilReady('other');
    expect(member(await space.get('ConfigMap', 'a'), 'data', 'k')).toBe('theirs');
    expect(await space.find('ConfigMap', 'b')).toBeUndefined();

    await space.transform('shop', { ...nodes, suspend: false });
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
    await space.untilFound('ConfigMap', 'b');
    const resumed = await space.untilReady('shop');
    expect(conditionOf(resumed, 'Ready')?.reason).toBe('Ready');
  });

  story('one that begins suspended creates nothing, and can be deleted', async ({ space }) => {
    await applyDocExample(space, 'suspend-ttl-reconcile.md', 'suspend');
    await space.untilFailing('shop', 'Suspended');
    expect(await space.names('ConfigMap')).toEqual([]);
    expect(await space.find('ResourceGraph', 'shop')).toBeUndefined();
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
  });

  story(
    'a suspended one deletes its objects when it goes, or leaves them by its newest policy',
    async ({ space }) => {
      await space.transform('gone', inline({ a: configMap('gone') }));
      await space.transform('left', inline({ a: configMap('left') }));
      await space.untilReady('gone');
      await space.untilReady('left');
      await space.transform('gone', inline({ a: configMap('gone') }, { suspend: true }));
      await space.transform(
        'left',
        inline({ a: configMap('left') }, { suspend: true, deletionPolicy: 'Orphan' }),
      );
      for (const name of ['gone', 'left']) {
        await space.untilTransform(
          name,
          'is suspended',
          (transform) => conditionOf(transform, 'Ready')?.reason === 'Suspended',
        );
        await space.delete('Transform', name);
        await space.untilGone('Transform', name);
      }
      await space.untilGone('ConfigMap', 'gone');
      expect((await space.get('ConfigMap', 'left')).metadata.labels ?? {}).toEqual({});
    },
  );
});

describe.concurrent('a Transform with a ttl', () => {
  story('goes by itself, and takes its objects along', async ({ space }) => {
    await applyDocExample(space, 'suspend-ttl-reconcile.md', 'ttl');
    const ready = await space.untilReady('preview');
    expect(ready.status?.firstReadyAt).toBeDefined();
    await space.untilFound('ConfigMap', 'preview');
    await space.untilGone('Transform', 'preview');
    await space.untilGone('ConfigMap', 'preview');
  });

  story('goes after its progress deadline where it never was ready', async ({ space }) => {
    const nodes = {
      a: configMap('a', {}, { readyWhen: [{ type: 'ConditionMatch', conditionType: 'Never' }] }),
    };
    await space.transform('preview', inline(nodes, { ttl: '2s', progressDeadline: '2s' }));
    await space.untilFound('ConfigMap', 'a');
    await space.untilGone('Transform', 'preview');
    await space.untilGone('ConfigMap', 'a');
  });

  story('stays while it is suspended', async ({ space }) => {
    await space.transform(
      'preview',
      inline({ a: configMap('a') }, { ttl: '1s', suspend: true, progressDeadline: '1s' }),
    );
    await space.transform('shorter', inline({ b: configMap('b') }, { ttl: '3s' }));
    await space.untilFailing('preview', 'Suspended');
    await space.untilGone('Transform', 'shorter');
    expect((await space.get('Transform', 'preview')).metadata.deletionTimestamp).toBeUndefined();
    await space.transform('preview', inline({ a: configMap('a') }, { ttl: '1s', progressDeadline: '1s' }));
    await space.untilGone('Transform', 'preview');
  });
});

describe.concurrent('a reconcile that is asked for', () => {
  story('tries at once what would wait for minutes, and says when that is over', async ({ space }) => {
    await space.create('ConfigMap', 'a', { data: { k: 'theirs' } }, 'someone');
    await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
    await space.untilFailing('shop', 'FieldConflict');
    await space.delete('ConfigMap', 'a');
    await space.kubectl(['annotate', 'transform', 'shop', 'pequod.io/reconcile=first']);
    const handled = await space.untilTransform(
      'shop',
      'has handled the request',
      ({ status }) => status?.lastHandledReconcileAt === 'first',
    );
    expect(conditionOf(handled, 'Ready')?.status).toBe('True');
    expect(member(await space.get('ConfigMap', 'a'), 'data', 'k')).toBe('ours');
  });

  story('is over for a Transform that can not be rendered, too', async ({ space }) => {
    await space.transform('shop', { cueRef: { type: 'configmap', ref: 'missing' } });
    await space.untilFailing('shop', 'SourceNotFound');
    await space.kubectl(['annotate', 'transform', 'shop', 'pequod.io/reconcile=again']);
    await space.untilTransform(
      'shop',
      'has handled it',
      ({ status }) => status?.lastHandledReconcileAt === 'again',
    );
  });
});
