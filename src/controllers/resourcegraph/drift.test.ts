import { describe, expect, it } from 'vitest';
import type { InventoryItem, NodeStatus, ResolvedNode, ResourceGraph } from '../../api/index.ts';
import { type Observation, observe } from '../../apply/index.ts';
import { buildPlan, type NodeInput, Pass } from '../../graph/index.ts';
import { describeDrift, driftSign, openDrifts } from './drift.ts';
import { describeDrifts, withDriftDetected } from './status-conditions.ts';
import type { NodeTarget, Targets } from './targets.ts';

const MANAGER = 'pequod/shop/web';
const NOW = '2026-01-01T00:00:00Z';
const nodes = ['a', 'b'].map(
  (id): ResolvedNode => ({ id, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: id } } }),
);

function worldOf(inputs: Readonly<Record<string, Partial<NodeInput>>>): {
  readonly targets: Targets;
  readonly pass: Pass;
} {
  const result = buildPlan(nodes, { namespace: 'shop' });
  if (!result.ok) throw new Error('invalid test graph');
  const targets = new Map<string, NodeTarget>();
  const whole = new Map<string, NodeInput>();
  for (const planNode of result.plan.nodes) {
    if (planNode.isPending) continue;
    targets.set(planNode.id, {
      planNode,
      identity: { ...planNode.identity, namespace: 'shop' },
      resource: undefined,
      deletion: 'Delete',
      adoption: undefined,
      stamped: () => planNode.object,
    });
    whole.set(planNode.id, {
      status: { phase: 'Ready', readyAt: NOW },
      work: 'none',
      isChanged: false,
      wasEverReady: true,
      readiness: { state: 'ready', reason: 'Ready', message: '' },
      ...inputs[planNode.id],
    });
  }
  const nowMs = Date.parse(NOW);
  return { targets, pass: new Pass(result.plan, whole, { concurrency: 1, nowMs, random: () => 0 }) };
}

const later: NodeStatus = { phase: 'Ready', readyAt: NOW, nextAttemptAt: '2026-01-01T00:00:30Z' };
const DRIFTED = new Set(['a']);
const EDITED = (): string => ': .data.k was changed by rival';

describe('drift that is open after a pass', () => {
  it('is none where the pass is about to repair it, or has', () => {
    const world = worldOf({ a: { work: 'repair' } });
    expect(openDrifts('correct', DRIFTED, world, EDITED)).toEqual([]);
    world.pass.takeStartable(Date.parse(NOW));
    world.pass.applied('a', { state: 'ready', reason: 'Ready', message: '' }, Date.parse(NOW));
    expect(openDrifts('correct', DRIFTED, world, EDITED)).toEqual([]);
  });

  it('is what waits for its time, with what its last repair put back', () => {
    const world = worldOf({ a: { work: 'repair', status: later } });
    expect(openDrifts('correct', DRIFTED, world, EDITED)).toEqual([
      { nodeId: 'a', object: 'ConfigMap shop/a', reason: 'RepairDelayed', text: EDITED() },
    ]);
  });

  it('is what could not be repaired, in the words of the node', () => {
    const world = worldOf({ a: { work: 'repair' } });
    world.pass.takeStartable(Date.parse(NOW));
    const failure = { reason: 'FieldConflict', message: 'gitops holds .data.k', retry: 'never' } as const;
    world.pass.failed('a', failure, Date.parse(NOW));
    expect(openDrifts('correct', DRIFTED, world, EDITED)).toMatchObject([
      { reason: 'FieldConflict', text: ': gitops holds .data.k' },
    ]);
  });

  it('is all of it where drift is only reported', () => {
    expect(openDrifts('detect', DRIFTED, worldOf({}), EDITED)).toMatchObject([
      { reason: 'Detected', text: EDITED() },
    ]);
  });
});

describe('what is said of drift', () => {
  const graph: ResourceGraph = {
    apiVersion: 'platform.pequod.io/v1alpha1',
    kind: 'ResourceGraph',
    metadata: { name: 'web', namespace: 'shop', generation: 3 },
    spec: {
      sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
      metadata: { platformRef: 'inline:', renderHash: 'h', renderedAt: NOW, digest: 'd' },
      nodes: [],
      serviceAccountName: 'default',
      deletionPolicy: 'Delete',
    },
  };
  const drift = { nodeId: 'a', object: 'ConfigMap shop/a', reason: 'RepairDelayed', text: EDITED() };

  it('is nothing where there never was any', () => {
    expect(withDriftDetected(graph, [], [], NOW)).toEqual([]);
  });

  it('is True while it is open, and False from then on', () => {
    const open = withDriftDetected(graph, [], [drift], NOW);
    expect(open).toMatchObject([
      {
        type: 'DriftDetected',
        status: 'True',
        reason: 'RepairDelayed',
        message: 'a: ConfigMap shop/a: .data.k was changed by rival',
      },
    ]);
    expect(withDriftDetected(graph, open, [], NOW)).toMatchObject([{ status: 'False', reason: 'NoDrift' }]);
  });

  it('is nothing where nobody wants to know', () => {
    const open = withDriftDetected(graph, [], [drift], NOW);
    const ignoring = { ...graph, spec: { ...graph.spec, drift: 'ignore' as const } };
    expect(withDriftDetected(ignoring, open, [], NOW)).toEqual([]);
  });

  it('counts what it does not name', () => {
    expect(describeDrifts(Array.from({ length: 7 }, () => drift))).toMatch(/by rival; 2 more$/);
    const fields = ['.a', '.b', '.c', '.d', '.e', '.f'];
    expect(describeDrift({ isGone: false, fields, managers: [] })).toBe(
      ': .a, .b, .c, .d, .e and 1 more were removed',
    );
    expect(describeDrift({ isGone: false, fields: ['.a'], managers: ['x', 'y'] })).toBe(
      ': .a was changed by x, y',
    );
    expect(describeDrift({ isGone: true, fields: [], managers: [] })).toBe(' was deleted');
  });
});

describe('the sign of drift', () => {
  const seen: Observation = observe({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'a',
      namespace: 'shop',
      uid: 'u1',
      managedFields: [{ manager: MANAGER, operation: 'Apply', fieldsV1: { 'f:data': { 'f:k': {} } } }],
    },
    data: { k: 'v' },
  });
  const entry: InventoryItem = {
    nodeId: 'a',
    ...{ group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'a' },
    uid: 'u1',
    origin: 'Created',
    deletion: 'Delete',
    wave: 0,
    owned: seen.owned[MANAGER] ?? '',
  };

  it.each<[string, Observation | undefined, string | undefined]>([
    ['as it was left', seen, undefined],
    ['as it was left, in another version', { ...seen, resourceVersion: '9', rivals: 'x' }, undefined],
    ['not seen', undefined, 'unseen'],
    ['on its way out', { ...seen, deletionTimestamp: NOW }, 'leaving'],
    ['another one', { ...seen, uid: 'u2' }, 'changed'],
    ['another one on its way out', { ...seen, uid: 'u2', deletionTimestamp: NOW }, 'changed'],
    ['without our fields', { ...seen, owned: {} }, 'changed'],
  ])('of an object that is %s', (_, observation, state) => {
    expect(driftSign(entry, observation, MANAGER)?.state).toBe(state);
  });
});
