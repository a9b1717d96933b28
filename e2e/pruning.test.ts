import { describe, expect } from 'vitest';
import type { Condition, InventoryItem } from '../src/api/index.ts';
import {
  applyDocExample,
  configMap,
  deploymentObject,
  inline,
  NEVER_RUNS,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator();

const PAGE = 'pruning-and-deletion.md';
const PROTECTION = 'pequod.io/prune-protection';
const GRACE = 'pequod.io/prune-grace-period';

async function prunedCondition(space: Space, name: string): Promise<Condition | undefined> {
  const { conditions } = await space.graphStatus(name);
  return conditions?.find(({ type }) => type === 'Pruned');
}

/** Waits until the graph says this of what it pruned. */
async function untilPruned(space: Space, name: string, status: string, reason: string): Promise<Condition> {
  const found = await until(
    `Pruned is ${status} with ${reason}`,
    () => prunedCondition(space, name),
    (condition) => condition?.status === status && condition.reason === reason,
  );
  if (found === undefined) throw new Error('there is no condition');
  return found;
}

async function inventory(space: Space, name: string): Promise<readonly InventoryItem[]> {
  return (await space.graphStatus(name)).inventory?.items ?? [];
}

async function annotate(
  space: Space,
  name: string,
  annotations: Readonly<Record<string, string | null>>,
): Promise<void> {
  await space.patch('ConfigMap', name, { metadata: { annotations } });
}

describe.concurrent('what an object says against being pruned', () => {
  story('a protected object stays, is named, and goes when the protection does', async ({ space }) => {
    await space.transform('shop', inline({ keep: configMap('keep'), old: configMap('old') }));
    await space.untilReady('shop');
    await annotate(space, 'old', { [PROTECTION]: 'true' });
    await space.transform('shop', inline({ keep: configMap('keep') }));
    const { message } = await untilPruned(space, 'shop', 'False', 'Protected');
    expect(message).toContain(`ConfigMap ${space.namespace}/old is protected`);
    // Somebody's protection is no failure of the graph.
    const { status } = await space.untilReady('shop');
    expect(status?.blockedBy).toBeUndefined();
    expect(await space.names('ConfigMap')).toEqual(['keep', 'old']);
    const [entry] = (await inventory(space, 'shop')).filter(({ name }) => name === 'old');
    expect(entry?.prunableSince).toBeDefined();

    await annotate(space, 'old', { [PROTECTION]: null });
    await space.untilGone('ConfigMap', 'old');
    await untilPruned(space, 'shop', 'True', 'Pruned');
    expect(await inventory(space, 'shop')).toHaveLength(1);
  });

  story(
    'a grace period counts from when the object could have gone, and ends by itself',
    async ({ space }) => {
      const old = configMap('old');
      const metadata = { name: 'old', annotations: { [GRACE]: '3s' } };
      await space.transform(
        'shop',
        inline({ keep: configMap('keep'), old: { object: { ...old.object, metadata } } }),
      );
      await space.untilReady('shop');
      await space.transform('shop', inline({ keep: configMap('keep') }));
      const { message } = await untilPruned(space, 'shop', 'False', 'GracePeriod');
      expect(message).toMatch(/ConfigMap .*\/old goes at \d{4}-/);
      await space.untilGone('ConfigMap', 'old');
      await untilPruned(space, 'shop', 'True', 'Pruned');
    },
  );

  story('taken back into the graph, an object starts its grace period anew', async ({ space }) => {
    const both = inline({ keep: configMap('keep'), old: configMap('old') });
    await space.transform('shop', both);
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'old')).metadata;
    await annotate(space, 'old', { [GRACE]: '1h' });
    await space.transform('shop', inline({ keep: configMap('keep') }));
    await untilPruned(space, 'shop', 'False', 'GracePeriod');
    await space.transform('shop', both);
    await untilPruned(space, 'shop', 'True', 'Pruned');
    const items = await inventory(space, 'shop');
    expect(items.map((item) => [item.name, item.prunableSince])).toEqual([
      ['keep', undefined],
      ['old', undefined],
    ]);
    expect((await space.get('ConfigMap', 'old')).metadata.uid).toBe(uid);
  });

  story('a grace period that can not be read keeps the object', async ({ space }) => {
    await space.transform('shop', inline({ keep: configMap('keep'), old: configMap('old') }));
    await space.untilReady('shop');
    await annotate(space, 'old', { [GRACE]: 'two weeks' });
    await space.transform('shop', inline({ keep: configMap('keep') }));
    const { message } = await untilPruned(space, 'shop', 'False', 'Unknown');
    expect(message).toContain(GRACE);
    expect(await space.names('ConfigMap')).toEqual(['keep', 'old']);
  });

  story(
    'with its Transform a protected object is released, and no grace period counts',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a', { k: 'v' }), b: configMap('b') }));
      await space.untilReady('shop');
      const { uid } = (await space.get('ConfigMap', 'a')).metadata;
      await annotate(space, 'a', { [PROTECTION]: 'true' });
      await annotate(space, 'b', { [GRACE]: '1h' });
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.names('ConfigMap')).toEqual(['a']);
      const { metadata, ...rest } = await space.get('ConfigMap', 'a');
      expect(rest).toMatchObject({ data: { k: 'v' } });
      expect(metadata).toMatchObject({ uid, annotations: { [PROTECTION]: 'true' } });
      expect(metadata.labels).toBeUndefined();
    },
  );

  story('what the page shows: protected and in its grace period', async ({ space }) => {
    await applyDocExample(space, PAGE, 'a module that protects');
    await space.untilReady('shop');
    await applyDocExample(space, PAGE, 'the same without its data');
    const { message } = await untilPruned(space, 'shop', 'False', 'GracePeriod');
    expect(message).toMatch(/cache goes at .*orders is protected/);
    expect(await space.names('ConfigMap')).toEqual(['app', 'cache', 'orders']);
  });
});

describe.concurrent('when a graph prunes', () => {
  story('AfterReady: the old goes only when the new is ready', async ({ space }) => {
    const web = (annotations: Record<string, string>) => ({
      object: deploymentObject('web', {}, annotations),
    });
    const policy = { prunePolicy: 'AfterReady' };
    await space.transform('shop', inline({ old: configMap('old') }, policy));
    await space.untilReady('shop');
    await space.transform('shop', inline({ web: web(NEVER_RUNS) }, policy));
    const { message } = await untilPruned(space, 'shop', 'False', 'WaitingForReady');
    expect(message).toContain('node web is not ready');
    expect(message).toContain('old');
    expect(await space.names('ConfigMap')).toEqual(['old']);
    await space.transform('shop', inline({ web: web({}) }, policy));
    await space.untilGone('ConfigMap', 'old');
    await untilPruned(space, 'shop', 'True', 'Pruned');
  });

  story('a node that fails: its name and what is left are said', async ({ space }) => {
    await space.transform('shop', inline({ old: configMap('old') }));
    await space.untilReady('shop');
    const bad = { object: { ...configMap('bad').object, data: { k: 1 } } };
    await space.transform('shop', inline({ bad }));
    const { message } = await untilPruned(space, 'shop', 'False', 'NodeFailed');
    expect(message).toContain('node bad');
    expect(message).toContain('old');
    expect(await space.names('ConfigMap')).toEqual(['old']);
  });

  story('a graph that somebody emptied by hand prunes nothing', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a'), b: configMap('b') }));
    await space.untilReady('shop');
    const uids = async (): Promise<unknown> =>
      (await space.list('ConfigMap', 'pequod.io/graph')).map(({ metadata }) => metadata.uid);
    const before = await uids();
    for (let round = 0; round < 5; round += 1) {
      await space.patch('ResourceGraph', 'shop', { spec: { nodes: [] } });
      await space.untilFound('ResourceGraph', 'shop', ({ spec }) =>
        JSON.stringify(spec).includes('"id":"a"'),
      );
    }
    await space.untilReady('shop');
    expect(await uids()).toEqual(before);
  });

  story('Orphan wins: in the node, in the Transform', async ({ space }) => {
    const nodes = { keep: configMap('keep'), a: configMap('a', {}, { deletionPolicy: 'Orphan' }) };
    await space.transform('shop', inline(nodes));
    await space.untilReady('shop');
    await annotate(space, 'a', { [PROTECTION]: 'true' });
    await space.transform('shop', inline({ keep: configMap('keep') }));
    await untilPruned(space, 'shop', 'True', 'Pruned');
    expect((await space.get('ConfigMap', 'a')).metadata.labels).toBeUndefined();
    await space.transform('shop', { ...inline({ b: configMap('b') }), deletionPolicy: 'Orphan' });
    await until(
      'keep is let go',
      () => space.get('ConfigMap', 'keep'),
      ({ metadata }) => metadata.labels === undefined,
    );
    expect(await space.names('ConfigMap')).toEqual(['a', 'b', 'keep']);
  });
});
