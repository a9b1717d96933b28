// The operator is killed, without a word, in the middle of its work. Slowed down to one object at a time, so that there
// is a middle.
import { afterAll, beforeAll, expect } from 'vitest';
import type { AuditLog } from '../test/control-plane/index.ts';
import {
  cluster,
  configMap,
  inline,
  OPERATOR_USER,
  type Space,
  story,
  useOperator,
} from './support/index.ts';

const crashing = useOperator({ flags: ['--graph-concurrency', '1'] });

const NODES = 80;

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

/** A chain: each node needs the one before. */
function chain(): Parameters<typeof inline>[0] {
  return Object.fromEntries(
    Array.from({ length: NODES }, (_, index) => [
      `n${index}`,
      configMap(`n${index}`, { index: String(index) }, index === 0 ? {} : { dependsOn: [`n${index - 1}`] }),
    ]),
  );
}

/** As soon as there is a number of objects that `isMiddle` accepts. */
async function untilCount(space: Space, isMiddle: (count: number) => boolean): Promise<number> {
  for (;;) {
    const count = (await space.names('ConfigMap')).length;
    if (isMiddle(count)) return count;
  }
}

story(
  'the operator is killed while it creates, and while it deletes: each object is made and removed once',
  async ({ space }) => {
    const { operator } = crashing;
    const start = await audit.mark();
    await space.transform('shop', inline(chain()));
    const made = await untilCount(space, (count) => count >= 10);
    await operator.kill9();
    expect(made).toBeLessThan(NODES);
    expect((await space.names('ConfigMap')).length).toBeLessThan(NODES);
    await operator.restart();
    await space.untilReady('shop');
    const uids = (await space.list('ConfigMap', 'pequod.io/graph')).map(({ metadata }) => metadata.uid);
    expect(uids).toHaveLength(NODES);
    const { inventory } = await space.graphStatus('shop');
    expect(inventory?.items.map(({ uid }) => uid).sort()).toEqual([...uids].sort());
    expect(new Set(inventory?.items.map(({ origin }) => origin))).toEqual(new Set(['Created']));
    const calls = await audit.callsSince(start, { user: OPERATOR_USER, resource: 'configmaps' });
    const mine = calls.filter(({ namespace }) => namespace === space.namespace);
    const created = mine.filter(({ verb, code }) => verb === 'patch' && code === 201).map(({ name }) => name);
    expect(new Set(created).size).toBe(NODES);
    expect(created).toHaveLength(NODES);
    expect(mine.filter(({ verb }) => verb === 'delete')).toEqual([]);

    const middle = await audit.mark();
    await space.delete('Transform', 'shop');
    await untilCount(space, (count) => count <= NODES - 10);
    await operator.kill9();
    const left = (await space.names('ConfigMap')).length;
    expect(left).toBeGreaterThan(0);
    await operator.restart();
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual([]);
    const deletions = await audit.callsSince(middle, {
      user: OPERATOR_USER,
      resource: 'configmaps',
      verbs: ['delete'],
    });
    const removed = deletions.filter(({ namespace, code }) => namespace === space.namespace && code === 200);
    expect(new Set(removed.map(({ name }) => name)).size).toBe(NODES);
    expect(removed).toHaveLength(NODES);
  },
);

story(
  'the operator is killed while it prunes: what was dropped goes, what is kept is not touched',
  async ({ space }) => {
    const { operator } = crashing;
    const nodes = chain();
    const kept = Object.fromEntries(Object.entries(nodes).slice(0, 3));
    await space.transform('shop', inline(nodes));
    await space.untilReady('shop');
    const before = await space.get('ConfigMap', 'n0');
    await space.transform('shop', inline(kept));
    await untilCount(space, (count) => count < NODES);
    await operator.kill9();
    await operator.restart();
    await space.untilGone('ConfigMap', 'n3');
    await space.untilReady('shop');
    expect(await space.names('ConfigMap')).toEqual(['n0', 'n1', 'n2']);
    expect(await space.get('ConfigMap', 'n0')).toEqual(before);
  },
);
