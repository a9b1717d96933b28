import { describe, expect, it } from 'vitest';
import type { GraphNode, NodeStatus } from '../api/index.ts';
import { buildPlan, type NodeInput, Pass, type Plan, type Readiness } from './index.ts';

const START_MS = Date.parse('2026-03-01T10:00:00Z');
const READY: Readiness = { state: 'ready', reason: 'Ready', message: 'is ready' };
const UNREADY: Readiness = { state: 'waiting', reason: 'LessReady', message: 'is not available (1/3)' };
const FAILED: Readiness = { state: 'failed', reason: 'JobFailed', message: 'has failed' };
const ABSENT: Readiness = { state: 'waiting', reason: 'NotFound', message: 'does not exist' };
const FORBIDDEN = { message: 'may not be created', reason: 'Forbidden', retry: 'backoff' } as const;
const SETTLED: NodeStatus = { phase: 'Ready', readyAt: '2026-02-01T00:00:00Z' };

const create: NodeInput = {
  status: { phase: 'Pending' },
  work: 'create',
  isChanged: true,
  wasEverReady: false,
  readiness: ABSENT,
};
const settled: NodeInput = {
  status: SETTLED,
  work: 'none',
  isChanged: false,
  wasEverReady: true,
  readiness: READY,
};
const update: NodeInput = { ...settled, work: 'update', isChanged: true };
const repair: NodeInput = { ...settled, work: 'repair' };
const degraded: NodeInput = { ...settled, readiness: UNREADY };

type Shape = Readonly<Record<string, readonly string[]>>;

function planOf(shape: Shape): Plan {
  const nodes = Object.entries(shape).map(
    ([id, dependsOn]): GraphNode => ({
      id,
      dependsOn,
      object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: id } },
    }),
  );
  const result = buildPlan(nodes, { namespace: 'shop' });
  if (!result.ok) throw new Error('invalid test graph');
  return result.plan;
}

function passOf(shape: Shape, inputs: Readonly<Record<string, NodeInput>>, concurrency = 10): Pass {
  const options = { concurrency, nowMs: START_MS, random: () => 0 };
  return new Pass(planOf(shape), new Map(Object.entries(inputs)), options);
}

const take = (pass: Pass, nowMs = START_MS): readonly string[] =>
  pass.takeStartable(nowMs).map(({ id }) => id);

describe('what may start', () => {
  it('runs a chain of nodes that are ready when applied to its end in one pass', () => {
    const pass = passOf({ a: [], b: ['a'], c: ['b'] }, { a: create, b: create, c: create });
    for (const id of ['a', 'b', 'c']) {
      expect(pass.isOver).toBe(false);
      expect(take(pass)).toEqual([id]);
      pass.applied(id, READY, START_MS);
    }
    expect(pass.isOver).toBe(true);
    expect(pass.summary()).toEqual({
      phase: 'Ready',
      counts: { Pending: 0, Applied: 0, Ready: 3, Error: 0 },
    });
  });

  it('starts a node as soon as its own dependencies are ready, whatever else is in flight', () => {
    const pass = passOf({ slow: [], fast: [], next: ['fast'] }, { slow: create, fast: create, next: create });
    expect(take(pass)).toEqual(['slow', 'fast']);
    pass.applied('fast', READY, START_MS);
    expect(take(pass)).toEqual(['next']);
  });

  it('keeps to the bound, in declaration order', () => {
    const pass = passOf({ c: [], a: [], b: [] }, { c: create, a: create, b: create }, 2);
    expect(take(pass)).toEqual(['c', 'a']);
    expect(take(pass)).toEqual([]);
    pass.applied('a', READY, START_MS);
    expect(take(pass)).toEqual(['b']);
    expect(pass.inFlight).toBe(2);
  });

  it('goes on in the same pass when a watch shows that a dependency became ready', () => {
    const pass = passOf({ db: [], x: [], app: ['db'] }, { db: create, x: create, app: create });
    take(pass);
    pass.applied('db', UNREADY, START_MS);
    expect(take(pass)).toEqual([]);
    pass.observed('db', READY, START_MS);
    expect(take(pass)).toEqual(['app']);
  });

  it('does not start a node whose dependency was lost before its turn came', () => {
    const pass = passOf({ x: [], db: [], app: ['db'] }, { x: create, db: settled, app: create }, 1);
    expect(take(pass)).toEqual(['x']);
    pass.observed('db', 'gone', START_MS);
    pass.applied('x', READY, START_MS);
    expect(take(pass)).toEqual([]);
    expect(pass.isOver).toBe(true);
  });

  it.each<[string, NodeInput, NodeInput, boolean]>([
    ['a degraded dependency holds back a creation', degraded, create, false],
    ['a degraded dependency does not hold back an update', degraded, update, true],
    ['a degraded dependency does not hold back a repair', degraded, repair, true],
    ['a dependency that changed too holds back an update', { ...degraded, isChanged: true }, update, false],
    [
      'a dependency that never was ready holds back an update',
      { ...degraded, status: { phase: 'Applied' }, wasEverReady: false },
      update,
      false,
    ],
    [
      'a dependency that never was ready does not hold back a repair',
      { ...degraded, status: { phase: 'Applied' }, wasEverReady: false },
      repair,
      true,
    ],
    ['a failed dependency holds back a creation', { ...settled, readiness: FAILED }, create, false],
    ['a failed dependency does not hold back an update', { ...settled, readiness: FAILED }, update, true],
  ])('%s', (_, dependency, dependent, isStarted) => {
    const pass = passOf({ db: [], app: ['db'] }, { db: dependency, app: dependent });
    expect(take(pass)).toEqual(isStarted ? ['app'] : []);
  });

  it('updates a dependent only after its dependency is updated and ready', () => {
    const pass = passOf({ db: [], app: ['db'] }, { db: update, app: update });
    expect(pass.takeStartable(START_MS)).toEqual([{ id: 'db', work: 'update' }]);
    pass.applied('db', UNREADY, START_MS);
    expect(take(pass)).toEqual([]);
    pass.observed('db', READY, START_MS);
    expect(pass.takeStartable(START_MS)).toEqual([{ id: 'app', work: 'update' }]);
  });

  it('starts nothing more once stopped, and takes in what is in flight', () => {
    const pass = passOf({ a: [], b: [], c: [] }, { a: create, b: create, c: create }, 1);
    take(pass);
    pass.stop();
    expect(take(pass)).toEqual([]);
    expect(pass.isOver).toBe(false);
    pass.applied('a', READY, START_MS);
    expect(pass.isOver).toBe(true);
    expect(pass.statuses()['a']?.phase).toBe('Ready');
    expect(pass.statuses()['b']).toMatchObject({ phase: 'Pending', reason: 'Queued' });
    expect(pass.isFullyApplied).toBe(false);
  });

  it('is over at once where there is nothing to do, and keeps the very statuses', () => {
    const pass = passOf({ a: [], b: ['a'] }, { a: settled, b: settled });
    expect(pass.isOver).toBe(true);
    expect(pass.statuses()['a']).toBe(SETTLED);
    expect(pass.isFullyApplied).toBe(true);
    expect(pass.nextWakeAtMs).toBeUndefined();
  });

  it('reports a use against the rules as the bug that it is', () => {
    const pass = passOf({ a: [] }, { a: create });
    expect(() => pass.applied('a', READY, START_MS)).toThrow('node a is not in flight');
    expect(() => pass.observed('z', READY, START_MS)).toThrow('the plan has no node z');
    expect(() => passOf({ a: [] }, {})).toThrow('no input for node a');
  });
});

describe('failures', () => {
  it('does not stop independent nodes, and names the culprit to all that wait for it', () => {
    const shape = { db: [], schema: ['db'], app: ['schema'], web: [] };
    const pass = passOf(shape, { db: create, schema: create, app: create, web: create });
    take(pass);
    pass.failed('db', FORBIDDEN, START_MS);
    pass.applied('web', READY, START_MS);
    expect(take(pass)).toEqual([]);
    expect(pass.isOver).toBe(true);
    expect(pass.blocked()).toEqual([
      { id: 'schema', reason: 'DependencyFailed', culpritId: 'db' },
      { id: 'app', reason: 'DependencyFailed', culpritId: 'db' },
    ]);
    expect(pass.statuses()).toMatchObject({
      db: { phase: 'Error', reason: 'Forbidden', lastError: 'may not be created', attempts: 1 },
      app: {
        phase: 'Pending',
        reason: 'DependencyFailed',
        message: 'waits for node db (Deployment shop/db), which failed',
      },
      web: { phase: 'Ready' },
    });
    expect(pass.summary()).toMatchObject({
      phase: 'Failed',
      blockedBy: 'db: Deployment shop/db: may not be created since 2026-03-01T10:00:00Z',
      blockedByNodeId: 'db',
    });
  });

  it('is not Failed while something can go on', () => {
    const pass = passOf({ db: [], web: [] }, { db: create, web: create });
    take(pass);
    pass.failed('db', FORBIDDEN, START_MS);
    pass.applied('web', UNREADY, START_MS);
    expect(pass.summary().phase).toBe('Executing');
    pass.observed('web', READY, START_MS);
    expect(pass.summary().phase).toBe('Failed');
  });

  it('never reports a graph with a failed node as Ready', () => {
    const pass = passOf({ a: [], b: [] }, { a: { ...settled, readiness: FAILED }, b: settled });
    expect(pass.summary()).toMatchObject({
      phase: 'Failed',
      blockedBy: 'a: Deployment shop/a has failed since 2026-03-01T10:00:00Z',
    });
  });

  it('tries a failed node again when its time has come, across passes', () => {
    const first = passOf({ a: [] }, { a: create });
    take(first);
    first.failed('a', FORBIDDEN, START_MS);
    expect(take(first, START_MS + 60_000)).toEqual([]);
    expect(first.nextWakeAtMs).toBe(START_MS + 1_000);
    const status = first.statuses()['a'] ?? SETTLED;

    const early = passOf({ a: [] }, { a: { ...create, status } });
    expect(take(early)).toEqual([]);
    expect(early.isOver).toBe(true);
    expect(early.nextWakeAtMs).toBe(START_MS + 1_000);
    expect(take(early, START_MS + 1_000)).toEqual(['a']);
    early.failed('a', FORBIDDEN, START_MS + 1_000);
    expect(early.statuses()['a']).toMatchObject({ attempts: 2, nextAttemptAt: '2026-03-01T10:00:03.000Z' });

    const later = passOf({ a: [] }, { a: { ...create, status: { phase: 'Error', attempts: 2 } } });
    expect(take(later)).toEqual(['a']);
    later.applied('a', READY, START_MS);
    expect(later.statuses()['a']).toEqual({ phase: 'Ready', readyAt: '2026-03-01T10:00:00Z' });
  });

  it('keeps a node Pending that waits for something outside of the graph', () => {
    const pass = passOf({ a: [], b: ['a'] }, { a: create, b: create });
    take(pass);
    const failure = {
      message: 'is of a kind that is not served',
      reason: 'KindNotServed',
      retry: { afterMs: 500 },
    };
    pass.failed('a', { ...failure, isWaiting: true }, START_MS);
    expect(pass.statuses()).toMatchObject({
      a: { phase: 'Pending', reason: 'KindNotServed', attempts: 1 },
      b: { phase: 'Pending', reason: 'DependencyNotReady' },
    });
    expect(pass.summary()).toMatchObject({
      phase: 'Pending',
      blockedBy: 'a: Deployment shop/a: is of a kind that is not served since 2026-03-01T10:00:00Z',
    });
    expect(pass.nextWakeAtMs).toBe(START_MS + 500);
  });

  it('takes a node out of Error once it is seen to be ready', () => {
    const status: NodeStatus = { phase: 'Error', reason: 'ReadinessTimeout', message: 'x', lastError: 'x' };
    const pass = passOf({ a: [] }, { a: { ...settled, status } });
    expect(pass.summary().phase).toBe('Ready');
    expect(pass.statuses()['a']).toEqual({ phase: 'Ready', readyAt: '2026-03-01T10:00:00Z' });
  });

  it('does not take a failed apply for mended because the old object looks ready', () => {
    const status: NodeStatus = { phase: 'Error', reason: 'Forbidden', nextAttemptAt: '2026-03-01T11:00:00Z' };
    for (const work of ['update', 'repair'] as const) {
      const pass = passOf({ a: [] }, { a: { ...settled, status, work } });
      pass.observed('a', READY, START_MS);
      expect(pass.summary().phase).toBe('Failed');
    }
  });
});

describe('what a pass reports', () => {
  it('names who is not ready, why and since when', () => {
    const pass = passOf({ db: [], app: ['db'] }, { db: create, app: create });
    expect(pass.summary().phase).toBe('Pending');
    take(pass);
    pass.applied('db', { ...UNREADY, deadlineAtMs: START_MS + 300_000 }, START_MS);
    expect(pass.summary()).toEqual({
      phase: 'Executing',
      counts: { Pending: 1, Applied: 1, Ready: 0, Error: 0 },
      blockedBy: 'db: Deployment shop/db is not available (1/3) since 2026-03-01T10:00:00Z',
      blockedByNodeId: 'db',
    });
    expect(pass.statuses()['app']).toMatchObject({
      reason: 'DependencyNotReady',
      message: 'waits for node db (Deployment shop/db), which is not ready',
    });
    expect(pass.nextWakeAtMs).toBe(START_MS + 300_000);
  });

  it('does not call a graph Ready that has an update to make, and remembers that the node was ready', () => {
    const pass = passOf({ a: [] }, { a: update });
    expect(pass.summary().phase).toBe('Pending');
    take(pass);
    expect(pass.statuses()['a']).toMatchObject({
      phase: 'Pending',
      reason: 'Applying',
      readyAt: SETTLED['readyAt'],
    });
    pass.observed('a', READY, START_MS);
    expect(pass.summary().phase).not.toBe('Ready');
  });

  it('leaves a settled status alone when a drift is repaired and the object stays ready', () => {
    const pass = passOf({ a: [] }, { a: repair });
    take(pass);
    pass.applied('a', READY, START_MS);
    expect(pass.statuses()['a']).toBe(SETTLED);
    expect(pass.summary().phase).toBe('Ready');
  });

  it('waits for a deleted child that was made anew', () => {
    const pass = passOf({ a: [] }, { a: { ...repair, readiness: ABSENT } });
    expect(pass.summary()).toMatchObject({ phase: 'Executing' });
    take(pass);
    pass.applied('a', UNREADY, START_MS);
    expect(pass.statuses()['a']).toMatchObject({ phase: 'Applied', appliedAt: '2026-03-01T10:00:00Z' });
  });

  it('is fully applied although a node is not ready, but not where an apply failed', () => {
    const unready = passOf({ a: [], b: [] }, { a: { ...settled, readiness: FAILED }, b: settled });
    expect(unready.isFullyApplied).toBe(true);
    const pass = passOf({ a: [] }, { a: update });
    take(pass);
    pass.failed('a', FORBIDDEN, START_MS);
    expect(pass.isFullyApplied).toBe(false);
  });

  it('cuts a message that is too long for one line of status', () => {
    const readiness: Readiness = { state: 'waiting', reason: 'X', message: 'y'.repeat(2_000) };
    const { blockedBy } = passOf({ a: [] }, { a: { ...settled, readiness } }).summary();
    expect(blockedBy).toHaveLength(512);
    expect(blockedBy).toMatch(/^a: Deployment shop\/a y+… since 2026-03-01T10:00:00Z$/);
  });

  it('dates a node that has no status yet, and keeps that date', () => {
    const first = passOf({ a: [], b: ['a'] }, { a: degraded, b: create }).statuses()['b'];
    expect(first).toMatchObject({ phase: 'Pending', lastTransitionTime: '2026-03-01T10:00:00Z' });
    const dated: NodeStatus = { phase: 'Pending', lastTransitionTime: '2026-02-27T08:00:00Z' };
    const next = passOf({ a: [], b: ['a'] }, { a: degraded, b: { ...create, status: dated } }).statuses()[
      'b'
    ];
    expect(next?.lastTransitionTime).toBe('2026-02-27T08:00:00Z');
  });

  it('calls an empty graph Ready', () => {
    expect(passOf({}, {}).summary().phase).toBe('Ready');
  });
});
