// Nodes whose object is not known yet: neither written nor taken for gone, and named to all who wait for them.
import { describe, expect, it } from 'vitest';
import type { InventoryItem, KubeObject } from '../api/index.ts';
import { buildPlan, findPrunable, type NodeInput, Pass, type Plan } from './index.ts';

const START_MS = Date.parse('2026-03-01T10:00:00Z');
const SINCE = '2026-03-01T10:00:00Z';

const deployment = (name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
});

/** db → web (pending) → edge */
function plan(): Plan {
  const built = buildPlan(
    [
      { id: 'db', object: deployment('db'), exports: { host: 'object.status.host' } },
      { id: 'web', waitsFor: ['observed.db.host', 'observed.db.port'], dependsOn: ['db'] },
      { id: 'edge', object: deployment('edge'), dependsOn: ['web'] },
    ],
    { namespace: 'shop' },
  );
  if (!built.ok) throw new Error(JSON.stringify(built.problems));
  return built.plan;
}

const settled: NodeInput = {
  status: { phase: 'Ready', readyAt: '2026-02-01T00:00:00Z' },
  work: 'none',
  isChanged: false,
  wasEverReady: true,
  readiness: { state: 'ready', reason: 'Ready', message: 'is ready' },
};
const waiting: NodeInput = {
  status: { phase: 'Pending' },
  work: 'wait',
  isChanged: false,
  wasEverReady: false,
  readiness: { state: 'waiting', reason: 'WaitingForValues', message: 'is not known yet' },
};
const creation: NodeInput = { ...waiting, work: 'create', isChanged: true };

function passOf(web: NodeInput, edge: NodeInput, db: NodeInput = settled): Pass {
  const inputs = new Map(Object.entries({ db, web, edge }));
  return new Pass(plan(), inputs, { concurrency: 10, nowMs: START_MS, random: () => 0 });
}

describe('a pending node', () => {
  it('is never started, holds back what depends on it, and ends the pass', () => {
    const pass = passOf(waiting, creation);
    expect(pass.takeStartable(START_MS)).toEqual([]);
    expect(pass.isOver).toBe(true);
    expect(pass.isFullyApplied).toBe(false);
  });

  it('leaves nothing to wait for where the node that has the value failed', () => {
    const pass = passOf(waiting, creation, creation);
    expect(pass.takeStartable(START_MS)).toMatchObject([{ id: 'db' }]);
    const failure = { reason: 'FieldConflict', message: 'belongs to another', retry: 'backoff' } as const;
    pass.failed('db', failure, START_MS);
    expect(pass.summary()).toMatchObject({ phase: 'Failed', blockedByNodeId: 'db' });
  });

  it('is named, with what it waits for, in the blocker and to its dependents', () => {
    const pass = passOf(waiting, creation);
    expect(pass.summary()).toMatchObject({
      phase: 'Executing',
      blockedBy: `web: waits for observed.db.host, observed.db.port since ${SINCE}`,
      blockedByNodeId: 'web',
    });
    expect(pass.statuses()).toMatchObject({
      web: {
        phase: 'Pending',
        reason: 'WaitingForValues',
        message: 'waits for observed.db.host, observed.db.port',
      },
      edge: {
        reason: 'DependencyNotReady',
        message: 'waits for node web (object not known yet), which is not ready',
      },
    });
  });

  it('lets what it had before run on: its dependents are updated and repaired', () => {
    const had: NodeInput = { ...waiting, status: settled.status, wasEverReady: true };
    const update: NodeInput = { ...settled, work: 'update', isChanged: true };
    const pass = passOf(had, update);
    expect(pass.takeStartable(START_MS)).toEqual([{ id: 'edge', work: 'update' }]);
    expect(pass.statuses()['web']).toMatchObject({ phase: 'Pending', readyAt: settled.status.readyAt });
    const repair: NodeInput = { ...settled, work: 'repair' };
    expect(passOf(had, repair).takeStartable(START_MS)).toEqual([{ id: 'edge', work: 'repair' }]);
  });

  it('leaves its object without a node that names it, which is why nothing may be pruned meanwhile', () => {
    const item: InventoryItem = {
      nodeId: 'web',
      ...{ group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
      uid: 'u1',
      origin: 'Created',
      deletion: 'Delete',
      wave: 1,
    };
    expect(findPrunable({ graphUID: 'g', items: [item] }, [])).toEqual([item]);
    expect(passOf(waiting, settled).isFullyApplied).toBe(false);
  });
});
