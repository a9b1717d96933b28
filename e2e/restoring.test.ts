import { describe, expect } from 'vitest';
import type { InventoryItem } from '../src/api/index.ts';
import { isJsonObject, type JsonObject } from '../src/json/index.ts';
import { configMap, inline, type Space, story, until, useOperator } from './support/index.ts';

useOperator();

/** Makes the status of a graph what an editor makes of it. */
async function editInventory(
  space: Space,
  edit: (items: readonly InventoryItem[]) => readonly JsonObject[],
): Promise<void> {
  const { inventory } = await space.graphStatus('shop');
  const changed = { graphUID: inventory?.graphUID ?? '', items: [...edit(inventory?.items ?? [])] };
  await space.patch('ResourceGraph', 'shop', { status: { inventory: changed } }, { subresource: 'status' });
}

async function items(space: Space): Promise<readonly InventoryItem[]> {
  return (await space.graphStatus('shop')).inventory?.items ?? [];
}

async function uidOf(space: Space, name: string): Promise<string | undefined> {
  return (await space.get('ConfigMap', name)).metadata.uid;
}

describe.concurrent('after a loss', () => {
  story(
    'the status is wiped: nothing is deleted, what left the graph goes with the Transform',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a'), b: configMap('b') }));
      await space.untilReady('shop');
      const before = [await uidOf(space, 'a'), await uidOf(space, 'b')];
      await space.transform('shop', { ...inline({ a: configMap('a'), b: configMap('b') }), suspend: true });
      await space.untilTransform('shop', 'is suspended', ({ spec }) => spec.suspend === true);
      await space.patch('ResourceGraph', 'shop', { status: null }, { subresource: 'status' });
      await space.transform('shop', { ...inline({ a: configMap('a') }), suspend: false });
      const rebuilt = await until(
        'the inventory is rebuilt',
        () => items(space),
        (found) => found.length === 2 && found.every(({ uid }) => uid !== undefined),
      );
      const found = new Map(rebuilt.map((item) => [item.name, item]));
      expect(found.get('a')).toMatchObject({ origin: 'Created' });
      expect(found.get('a')?.rebuilt).toBeUndefined();
      expect(found.get('b')).toMatchObject({ origin: 'Created', rebuilt: true });
      const { conditions } = await until(
        'what is kept is named',
        () => space.graphStatus('shop'),
        (status) => status.conditions?.some(({ reason }) => reason === 'Rebuilt') === true,
      );
      expect(conditions?.find(({ type }) => type === 'Pruned')?.message).toContain(`${space.namespace}/b`);
      expect([await uidOf(space, 'a'), await uidOf(space, 'b')]).toEqual(before);
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.names('ConfigMap')).toEqual([]);
    },
  );

  story(
    'a backup’s status comes over a new graph: the objects are found, and go with the Transform',
    async ({ space }) => {
      const spec = inline({ a: configMap('a', { k: 'v' }) });
      await space.transform('shop', spec);
      await space.untilReady('shop');
      const uid = await uidOf(space, 'a');
      const graph = await space.get('ResourceGraph', 'shop');
      // The graph goes first, by hand, so that its own deletion touches nothing; the Transform makes it anew.
      await space.delete('ResourceGraph', 'shop');
      await space.untilFound('ResourceGraph', 'shop', ({ metadata }) => metadata.uid !== graph.metadata.uid);
      await space.untilReady('shop');
      // A backup's status, with uids of a time before.
      const stale = graph['status'];
      if (!isJsonObject(stale)) throw new Error('the graph had no status');
      await space.patch('ResourceGraph', 'shop', { status: stale }, { subresource: 'status' });
      const { inventory } = await until(
        'the inventory is the new graph’s',
        () => space.graphStatus('shop'),
        (status) => status.inventory?.graphUID !== graph.metadata.uid && status.phase === 'Ready',
      );
      expect(inventory?.items).toMatchObject([{ name: 'a', uid, origin: 'Created' }]);
      expect(await uidOf(space, 'a')).toBe(uid);
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.names('ConfigMap')).toEqual([]);
    },
  );
});

describe.concurrent('an inventory that somebody edited', () => {
  story('names a foreign object: it is neither pruned nor deleted with the Transform', async ({ space }) => {
    await space.create('ConfigMap', 'theirs', { data: { k: 'theirs' } });
    await space.transform('shop', inline({ a: configMap('a') }));
    await space.untilReady('shop');
    const uid = await uidOf(space, 'theirs');
    await editInventory(space, (all) => [
      ...all,
      ...all.map((item) => ({ ...item, nodeId: 'gone', name: 'theirs', uid: uid ?? '' })),
    ]);
    await until(
      'the entry has left',
      () => items(space),
      (found) => found.length === 1,
    );
    await editInventory(space, (all) => [
      ...all,
      ...all.map((item) => ({ ...item, nodeId: 'gone', name: 'theirs', uid: uid ?? '', wave: 999 })),
    ]);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual(['theirs']);
    expect(await space.get('ConfigMap', 'theirs')).toMatchObject({
      data: { k: 'theirs' },
      metadata: { uid },
    });
  });

  for (const origin of ['Created', 'Adopted'] as const) {
    story(`says that what was found is ${origin}: it stays all the same`, async ({ space }) => {
      await space.create('ConfigMap', 'theirs', { data: { k: 'theirs' } });
      await space.transform('shop', inline({ theirs: configMap('theirs', { mine: '1' }) }));
      await space.untilReady('shop');
      await editInventory(space, (all) => all.map((item) => ({ ...item, origin })));
      // A change has it applied once more, on the word of the inventory.
      await space.transform('shop', inline({ theirs: configMap('theirs', { mine: '2' }) }));
      await space.untilReady('shop');
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.get('ConfigMap', 'theirs')).toMatchObject({ data: { k: 'theirs' } });
    });
  }

  story('names a foreign object as adopted for a node that would share it: it stays', async ({ space }) => {
    await space.create('ConfigMap', 'theirs', { data: { k: 'theirs' } });
    await space.transform('shop', inline({ a: configMap('a') }));
    await space.untilReady('shop');
    const uid = await uidOf(space, 'theirs');
    const forged = { nodeId: 'b', name: 'theirs', uid: uid ?? '', origin: 'Adopted', sent: 'x', owned: 'y' };
    await space.transform('shop', { ...inline({ a: configMap('a') }), suspend: true });
    await space.untilTransform(
      'shop',
      'is suspended',
      ({ status }) => status?.conditions?.some(({ reason }) => reason === 'Suspended') === true,
    );
    await editInventory(space, (all) => [...all, ...all.map((item) => ({ ...item, ...forged }))]);
    await space.transform('shop', inline({ a: configMap('a'), b: configMap('theirs', { mine: '1' }) }));
    await space.untilFound(
      'ConfigMap',
      'theirs',
      ({ metadata }) => metadata.annotations?.['pequod.io/origin'] !== undefined,
    );
    await space.untilReady('shop');
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.get('ConfigMap', 'theirs')).toMatchObject({ metadata: { uid } });
  });

  story('lacks an entry: its object still goes with the Transform', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a'), b: configMap('b') }));
    await space.untilReady('shop');
    await space.transform('shop', { ...inline({ a: configMap('a') }), suspend: true });
    await space.untilTransform('shop', 'is suspended', ({ spec }) => spec.suspend === true);
    await editInventory(space, (all) => all.filter(({ name }) => name !== 'b'));
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual([]);
  });
});
