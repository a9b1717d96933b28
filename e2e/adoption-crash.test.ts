// The operator is killed, without a word, while it takes objects over, and while it deletes them. Slowed down to one
// object at a time, so that there is a middle.
import { expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import { configMap, inline, type Space, story, useOperator } from './support/index.ts';

const crashing = useOperator({ flags: ['--graph-concurrency', '1'] });

const NAMES: readonly string[] = Array.from({ length: 60 }, (_, index) => `n${index}`);

/** As soon as there is a number of objects with our label that `isMiddle` accepts. */
async function untilCount(space: Space, isMiddle: (count: number) => boolean): Promise<void> {
  while (!isMiddle((await space.list('ConfigMap', 'pequod.io/graph')).length));
}

async function uids(space: Space): Promise<JsonObject> {
  const objects = (await space.list('ConfigMap')).filter(({ metadata }) => NAMES.includes(metadata.name));
  return Object.fromEntries(objects.map(({ metadata }) => [metadata.name, metadata.uid]));
}

story('an operator that is killed while it adopts loses no object, and forgets none', async ({ space }) => {
  const { operator } = crashing;
  const manifest = (name: string): JsonObject => ({
    ...configMap(name, { k: 'old', extra: 'x' }).object,
  });
  const items = NAMES.map(manifest);
  await space.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const before = await uids(space);
  const resources = NAMES.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', name }));
  const nodes = Object.fromEntries(NAMES.map((name) => [name, configMap(name, { k: 'new' })]));
  await space.transform('shop', {
    ...inline(nodes),
    adopt: { mode: 'Explicit', strategy: 'TakeOwnership', resources },
  });
  await untilCount(space, (count) => count >= 5);
  await operator.kill9();
  const taken = (await space.list('ConfigMap', 'pequod.io/graph')).length;
  expect(taken).toBeLessThan(NAMES.length);
  await operator.restart();
  await untilCount(space, (count) => count >= taken + 5);
  await operator.kill9();
  await operator.restart();
  await space.untilReady('shop');

  expect(await uids(space)).toEqual(before);
  for (const { metadata, ...object } of await space.list('ConfigMap', 'pequod.io/graph')) {
    expect(object).toMatchObject({ data: { k: 'new' } });
    expect(Object.keys(metadata.annotations ?? {}).sort()).toEqual(['pequod.io/node', 'pequod.io/origin']);
    expect(metadata.managedFields?.map(({ manager }) => manager)).toEqual([`pequod/${space.namespace}/shop`]);
  }
  const { inventory, nodeStatus } = await space.graphStatus('shop');
  expect(new Set(inventory?.items.map(({ origin }) => origin))).toEqual(new Set(['Adopted']));
  for (const name of NAMES) {
    expect(nodeStatus?.[name]).toMatchObject({
      adopted: true,
      previousManagers: ['kubectl-client-side-apply (Update): .data.k'],
    });
  }

  await space.delete('Transform', 'shop');
  await untilCount(space, (count) => count <= NAMES.length - 5);
  await operator.kill9();
  await operator.restart();
  await space.untilGone('Transform', 'shop');
  expect(await uids(space)).toEqual({});
});

story(
  'an operator that is killed while it adopts, and finds the Transform on its way out',
  async ({ space }) => {
    const { operator } = crashing;
    const items = NAMES.map((name) => configMap(name, { k: 'old' }).object);
    await space.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const before = await uids(space);
    const nodes = NAMES.map((name): [string, ReturnType<typeof configMap>] => [
      name,
      configMap(name, { k: 'new' }, { applyPolicy: { mode: 'Adopt' } }),
    ]);
    await space.transform('shop', inline(Object.fromEntries(nodes)));
    await untilCount(space, (count) => count >= 5);
    await operator.kill9();
    const adopted = await space.list('ConfigMap', 'pequod.io/graph');
    const gone = new Set(adopted.map(({ metadata }) => metadata.name));
    await space.delete('Transform', 'shop');
    await operator.restart();
    await space.untilGone('Transform', 'shop');
    // What was taken over goes with the Transform, what was not is as it was.
    const left = Object.entries(before).filter(([name]) => !gone.has(name));
    expect(left.length).toBeGreaterThan(0);
    expect(await uids(space)).toEqual(Object.fromEntries(left));
    for (const { data, metadata } of await space.list('ConfigMap')) {
      if (!NAMES.includes(metadata.name)) continue;
      expect(data).toEqual({ k: 'old' });
      expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(
        `pequod/${space.namespace}/shop`,
      );
    }
  },
);
