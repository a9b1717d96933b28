import { describe, expect } from 'vitest';
import { configMap, inline, member, type Space, story, useOperator } from './support/index.ts';

useOperator();

/** Labels and annotations of ours that an object carries. */
async function marksOn(space: Space, name: string): Promise<readonly string[]> {
  const { labels, annotations } = (await space.get('ConfigMap', name)).metadata;
  const keys = [...Object.keys(labels ?? {}), ...Object.keys(annotations ?? {})];
  return keys.filter((key) => /pequod|applyset/.test(key));
}

/** Field managers that own something of an object. */
async function managersOf(space: Space, name: string): Promise<readonly (string | undefined)[]> {
  const { managedFields } = (await space.get('ConfigMap', name)).metadata;
  return (managedFields ?? []).map(({ manager }) => manager);
}

describe.concurrent('objects that others have too', () => {
  story('an object that exists already is shared, and stays when the Transform goes', async ({ space }) => {
    const { metadata } = await space.create('ConfigMap', 'settings', { data: { theirs: '1' } });
    await space.transform('shop', inline({ settings: configMap('settings', { ours: '2' }) }));
    await space.untilReady('shop');
    const shared = await space.get('ConfigMap', 'settings');
    expect(shared).toMatchObject({ data: { theirs: '1', ours: '2' } });
    expect(shared.metadata.uid).toBe(metadata.uid);
    const { inventory } = await space.graphStatus('shop');
    expect(inventory?.items).toMatchObject([{ name: 'settings', uid: metadata.uid, origin: 'Found' }]);

    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    const left = await space.get('ConfigMap', 'settings');
    expect(left).toMatchObject({ data: { theirs: '1', ours: '2' }, metadata: { uid: metadata.uid } });
    expect(await marksOn(space, 'settings')).toEqual([]);
    expect(await managersOf(space, 'settings')).not.toContain(`pequod/${space.namespace}/shop`);
  });

  story('an object that existed already stays when its node is dropped', async ({ space }) => {
    await space.create('ConfigMap', 'settings', { data: { theirs: '1' } });
    await space.transform(
      'shop',
      inline({ settings: configMap('settings', { ours: '2' }), a: configMap('a') }),
    );
    await space.untilReady('shop');
    await space.transform('shop', inline({ a: configMap('a') }));
    await space.untilFound('ConfigMap', 'settings', ({ metadata }) => metadata.labels === undefined);
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { theirs: '1', ours: '2' } });
    expect(await marksOn(space, 'settings')).toEqual([]);
  });

  story('an object that was released can be had again', async ({ space }) => {
    const wanted = inline({ settings: configMap('settings', { k: 'v' }) });
    await space.transform('shop', { ...wanted, deletionPolicy: 'Orphan' });
    await space.untilReady('shop');
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await marksOn(space, 'settings')).toEqual([]);

    await space.transform('shop', inline({ settings: configMap('settings', { k: 'new' }) }));
    await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { k: 'new' } });
  });

  story(
    'a field that somebody else has applied is a conflict with names, until they let go',
    async ({ space }) => {
      await space.apply('ConfigMap', 'contested', { data: { k: 'theirs' } }, 'somebody');
      const nodes = { contested: configMap('contested', { k: 'ours' }) };
      await space.transform('shop', inline(nodes));
      const failed = await space.untilTransform(
        'shop',
        'has a conflict',
        ({ status }) => status?.nodes?.['contested']?.phase === 'Error',
      );
      const error = failed.status?.nodes?.['contested']?.lastError;
      expect(error).toContain('somebody');
      expect(error).toContain('.data.k');
      expect((await space.graphStatus('shop')).nodeStatus?.['contested']?.reason).toBe('FieldConflict');
      expect(await space.get('ConfigMap', 'contested')).toMatchObject({ data: { k: 'theirs' } });
      expect(await marksOn(space, 'contested')).toEqual([]);

      await space.apply('ConfigMap', 'contested', {}, 'somebody');
      await space.transform('shop', inline({ ...nodes, more: configMap('more') }));
      await space.untilReady('shop');
      expect(await space.get('ConfigMap', 'contested')).toMatchObject({ data: { k: 'ours' } });
    },
  );

  story('two Transforms that claim one object: the second is told of the first', async ({ space }) => {
    await space.transform('first', inline({ one: configMap('claimed', { k: 'first' }) }));
    await space.untilReady('first');
    await space.transform('second', inline({ one: configMap('claimed', { k: 'second' }) }));
    const refused = await space.untilTransform(
      'second',
      'has a conflict',
      ({ status }) => status?.nodes?.['one']?.phase === 'Error',
    );
    expect(refused.status?.blockedBy).toContain(`belongs to Transform ${space.namespace}/first`);

    await space.delete('Transform', 'second');
    await space.untilGone('Transform', 'second');
    expect(await space.get('ConfigMap', 'claimed')).toMatchObject({ data: { k: 'first' } });
    await space.untilReady('first');
    expect(member(await space.get('ConfigMap', 'claimed'), 'metadata', 'deletionTimestamp')).toBeUndefined();
  });
});
