import { describe, expect } from 'vitest';
import type { InventoryItem } from '../src/api/index.ts';
import {
  cluster,
  conditionOf,
  configMap,
  describeCall,
  inline,
  type Space,
  story,
  useOperator,
  writesSince,
} from './support/index.ts';

useOperator();

async function inventoryOf(space: Space, name: string): Promise<readonly InventoryItem[]> {
  return (await space.graphStatus(name)).inventory?.items ?? [];
}

describe.concurrent('a graph changes', () => {
  story('an object that its module dropped is pruned, the others are not touched', async ({ space }) => {
    await space.transform('shop', inline({ keep: configMap('keep'), drop: configMap('drop') }));
    await space.untilReady('shop');
    const kept = await space.get('ConfigMap', 'keep');
    await space.transform('shop', inline({ keep: configMap('keep') }));
    await space.untilGone('ConfigMap', 'drop');
    await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'keep')).toEqual(kept);
    expect((await inventoryOf(space, 'shop')).map(({ name }) => name)).toEqual(['keep']);
  });

  story('a node gets another id: its object stays the same object', async ({ space }) => {
    await space.transform('shop', inline({ old: configMap('settings', { a: '1' }) }));
    await space.untilReady('shop');
    const before = await space.get('ConfigMap', 'settings');
    await space.transform('shop', inline({ new: configMap('settings', { a: '1' }) }));
    await space.untilFound(
      'ConfigMap',
      'settings',
      ({ metadata }) => metadata.annotations?.['pequod.io/node'] === 'new',
    );
    const { status } = await space.untilReady('shop');
    expect(Object.keys(status?.nodes ?? {})).toEqual(['new']);
    expect((await space.get('ConfigMap', 'settings')).metadata.uid).toBe(before.metadata.uid);
    expect(await inventoryOf(space, 'shop')).toMatchObject([{ nodeId: 'new', uid: before.metadata.uid }]);
  });

  story(
    'an object gets another name under the same id: the new one is made, then the old one goes',
    async ({ space }) => {
      const audit = await cluster.openAuditLog();
      try {
        await space.transform('shop', inline({ settings: configMap('one') }));
        await space.untilReady('shop');
        const mark = await audit.mark();
        await space.transform('shop', inline({ settings: configMap('two') }));
        await space.untilGone('ConfigMap', 'one');
        await space.untilReady('shop');
        expect(await space.names('ConfigMap')).toEqual(['two']);
        expect(await inventoryOf(space, 'shop')).toMatchObject([{ nodeId: 'settings', name: 'two' }]);
        const writes = (await writesSince(audit, mark, space.namespace)).map(describeCall);
        expect(writes.filter((write) => write.includes('configmaps/'))).toEqual([
          'patch configmaps/two',
          'delete configmaps/one',
        ]);
      } finally {
        await audit.close();
      }
    },
  );

  story('nothing is pruned while a node can not be applied', async ({ space }) => {
    await space.transform('shop', inline({ keep: configMap('keep'), drop: configMap('drop') }));
    await space.untilReady('shop');
    const broken = {
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'broken' }, data: { a: 1 } },
    };
    await space.transform('shop', inline({ keep: configMap('keep'), broken }));
    await space.untilTransform(
      'shop',
      'has a failed node',
      ({ status }) => status?.nodes?.['broken']?.phase === 'Error',
    );
    expect(await space.names('ConfigMap')).toEqual(['drop', 'keep']);

    await space.transform('shop', inline({ keep: configMap('keep'), broken: configMap('broken') }));
    await space.untilGone('ConfigMap', 'drop');
    await space.untilReady('shop');
    expect(await space.names('ConfigMap')).toEqual(['broken', 'keep']);
  });

  story(
    'a graph of a hundred nodes converges, with no more writes than it has nodes, and five',
    async ({ space }) => {
      const audit = await cluster.openAuditLog();
      try {
        const nodes = Object.fromEntries(
          Array.from({ length: 100 }, (_, index) => [
            `n${index}`,
            configMap(
              `n${index}`,
              {},
              index === 0
                ? {}
                : { dependsOn: [`n${Math.floor(index / 2)}`].filter((id) => id !== `n${index}`) },
            ),
          ]),
        );
        const mark = await audit.mark();
        await space.transform('shop', inline(nodes));
        const ready = await space.untilReady('shop');
        expect(conditionOf(ready, 'Ready')?.message).toContain('100 of 100');
        expect(await space.names('ConfigMap')).toHaveLength(100);
        const writes = await writesSince(audit, mark, space.namespace);
        expect(writes.filter(({ resource }) => resource === 'configmaps')).toHaveLength(100);
      } finally {
        await audit.close();
      }
    },
  );
});
