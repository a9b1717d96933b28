// Changes that concern nobody, hundreds of them: they cost no write, and hide no change that does.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { AuditLog } from '../test/control-plane/index.ts';
import {
  cluster,
  configMap,
  describeCall,
  inline,
  type Kind,
  member,
  type Space,
  story,
  useOperator,
  writesSince,
} from './support/index.ts';

useOperator();

const CHANGES = 200;
const AT_A_TIME = 4;

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

/** Changes a label of somebody else's as fast as the API server takes it. */
async function churn(space: Space, kind: Kind, name: string): Promise<void> {
  let turn = 0;
  const change = async (): Promise<void> => {
    while (turn < CHANGES) {
      turn += 1;
      await space.patch(kind, name, { metadata: { labels: { churn: String(turn) } } });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, change));
}

describe.concurrent('noise', () => {
  story('at an object costs no write, and an edit in the middle of it is taken back', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'ours' }) }));
    await space.untilReady('shop');
    const mark = await audit.mark();
    const startedAtMs = performance.now();
    const noise = churn(space, 'ConfigMap', 'a');
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } });
    await noise;
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
    const seconds = (performance.now() - startedAtMs) / 1_000;
    // A repair that meets a newer version than it judged is refused and looks again: a burst of eight, then no more than a
    // few a second, however many changes there are.
    const writes = await writesSince(audit, mark, space.namespace);
    const repairs = writes.filter((write) => describeCall(write) === 'patch configmaps/a');
    expect(repairs.filter(({ code }) => code === 200)).toHaveLength(1);
    expect(repairs.length).toBeLessThanOrEqual(8 + 2 * seconds);
    await space.untilReady('shop');
  });

  story(
    'at a Transform and its graph costs no write, and a change of the spec is carried out',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a', { k: '1' }) }));
      await space.untilReady('shop');
      const mark = await audit.mark();
      await Promise.all([churn(space, 'Transform', 'shop'), churn(space, 'ResourceGraph', 'shop')]);
      const writes = await writesSince(audit, mark, space.namespace);
      expect(writes.map(describeCall)).toEqual([]);
      await space.transform('shop', inline({ a: configMap('a', { k: '2' }) }));
      await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === '2');
      await space.untilReady('shop');
    },
  );
});
