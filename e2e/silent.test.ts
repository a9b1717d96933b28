// What is settled makes no call, whatever it is made of: nothing is polled that a watch tells of.
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { findCondition } from '../src/runtime/index.ts';
import {
  cluster,
  conditionOf,
  configMap,
  describeCall,
  inline,
  OPERATOR_USER,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator();

/** The last plans and statuses are made in this time. */
const SETTLE_MS = 8_000;
const IDLE_MS = 30_000;
const TIMEOUT_MS = 180_000;

const annotated = (name: string, annotation: string, value: string) => ({
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations: { [annotation]: value } } },
});

/** Values with and without an answer, a predicate, and an object that is only read. */
async function readValues(space: Space): Promise<void> {
  const db = {
    ...configMap('db', { host: 'h' }),
    exports: { host: 'object.data.host', none: 'object.data.nowhere' },
    readyWhen: [{ type: 'CEL', expression: 'object.data.host == "h"' }],
  };
  await space.transform('exports', inline({ db }));
  await space.create('ConfigMap', 'seen', { data: { k: 'v' } });
  const resources = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'seen' }];
  const adopt = { mode: 'Explicit', strategy: 'Mirror', resources };
  await space.transform('mirror', { ...inline({ seen: configMap('seen') }), adopt });
  await space.untilReady('exports');
  await space.untilReady('mirror');
}

/** Objects that left the graph and stay for now. */
async function keepDropped(space: Space): Promise<void> {
  const late = annotated('late', 'pequod.io/prune-grace-period', '1h');
  const safe = annotated('safe', 'pequod.io/prune-protection', 'true');
  await space.transform('kept', inline({ a: configMap('a'), late, safe }));
  await space.untilReady('kept');
  await space.transform('kept', inline({ a: configMap('a') }));
  await until(
    'what is kept is named',
    () => space.graphStatus('kept'),
    ({ conditions }) => findCondition(conditions, 'Pruned')?.status === 'False',
  );
}

/** A plan that nobody has approved yet. */
async function planChange(space: Space): Promise<void> {
  await space.transform('planned', inline({ p: configMap('p', { k: '1' }) }));
  await space.untilReady('planned');
  await space.transform('planned', inline({ p: configMap('p', { k: '2' }) }, { dryRun: true }));
  await space.untilTransform(
    'planned',
    'has a plan',
    (transform) => conditionOf(transform, 'Ready')?.reason === 'AwaitingApproval',
  );
}

story(
  'live values, mirrors, objects that are kept, and plans cost nothing while nothing happens',
  async ({ space }) => {
    await readValues(space);
    await keepDropped(space);
    await planChange(space);
    await space.transform('suspended', inline({ s: configMap('s') }, { suspend: true }));
    await delay(SETTLE_MS);
    const audit = await cluster.openAuditLog();
    try {
      const mark = await audit.mark();
      await delay(IDLE_MS);
      const calls = await audit.callsSince(mark, { user: OPERATOR_USER });
      // A watch ends by itself from time to time, and is begun again.
      const others = calls.filter(({ namespace, verb }) => namespace === space.namespace && verb !== 'watch');
      expect(others.map(describeCall)).toEqual([]);
    } finally {
      await audit.close();
    }
  },
  TIMEOUT_MS,
);
