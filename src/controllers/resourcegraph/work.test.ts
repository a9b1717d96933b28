import { describe, expect, it } from 'vitest';
import type {
  DriftPolicy,
  InventoryItem,
  KubeObject,
  NodeStatus,
  ResolvedNode,
  ResourceGraph,
  ResourceGraphStatus,
} from '../../api/index.ts';
import { type GraphOwner, type Observation, observe, sentHash, stampObject } from '../../apply/index.ts';
import { buildPlan, type NodeInput } from '../../graph/index.ts';
import { CONFIG_MAPS } from '../../kube/index.ts';
import type { Signs } from './judge.ts';
import type { NodeTarget } from './targets.ts';
import { findWork, type WorkContext } from './work.ts';

const owner: GraphOwner = {
  namespace: 'shop',
  name: 'web',
  graphId: 'applyset-x-v1',
  manager: 'pequod/shop/web',
};
const node: ResolvedNode = {
  id: 'config',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' }, data: { a: '1' } },
};
const graph: ResourceGraph = {
  apiVersion: 'platform.pequod.io/v1alpha1',
  kind: 'ResourceGraph',
  metadata: { name: 'web', namespace: 'shop', uid: 'g', generation: 3 },
  spec: {
    sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
    metadata: { platformRef: 'inline:', renderHash: 'h', renderedAt: '2026-01-01T00:00:00Z', digest: 'd' },
    nodes: [node],
    serviceAccountName: 'default',
    deletionPolicy: 'Delete',
  },
};

function target(of: ResolvedNode = node): NodeTarget {
  const plan = buildPlan([of], { namespace: 'shop' });
  const planNode = plan.ok ? plan.plan.nodes[0] : undefined;
  if (planNode?.isPending !== false) throw new Error('no plan');
  return {
    planNode,
    identity: { ...planNode.identity, namespace: 'shop' },
    resource: CONFIG_MAPS,
    deletion: 'Delete',
    adoption: undefined,
    stamped: (origin) => stampObject(of, { owner, namespace: 'shop', origin, deletion: 'Delete' }),
  };
}

const live: KubeObject = {
  ...target().stamped('Created'),
  metadata: {
    ...target().stamped('Created').metadata,
    uid: 'u1',
    resourceVersion: '7',
    managedFields: [{ manager: owner.manager, operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {} } } }],
  },
};
const observation = observe(live);
const entry: InventoryItem = {
  nodeId: 'config',
  ...{ group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'config' },
  uid: 'u1',
  origin: 'Created',
  deletion: 'Delete',
  wave: 0,
  sent: sentHash(target().stamped('Created'), []),
  owned: observation.owned[owner.manager] ?? '',
};

interface World {
  readonly entry?: InventoryItem | undefined;
  readonly observation?: Observation | undefined;
  readonly status?: ResourceGraphStatus;
  readonly hasLeft?: boolean | WorkContext['hasLeft'];
  readonly isSchemaChanged?: boolean;
  readonly isAsked?: boolean;
  readonly nextRepairAtMs?: number;
  readonly signs?: Signs;
  readonly glimpse?: Observation;
  readonly earlyRetryAtMs?: number;
  readonly drift?: DriftPolicy;
}

function inputFor(world: World, of: ResolvedNode = node): NodeInput | undefined {
  const inputs = findWork({ nodes: [target(of).planNode] }, new Map([[of.id, target(of)]]), {
    graph: world.drift === undefined ? graph : { ...graph, spec: { ...graph.spec, drift: world.drift } },
    status: world.status ?? { observedGeneration: 3 },
    owner,
    isAsked: world.isAsked ?? false,
    nowMs: Date.parse('2026-01-01T01:00:00Z'),
    signs: world.signs ?? { answerOf: () => undefined, troubleOf: () => undefined },
    mirrorOf: () => undefined,
    entryOf: () => world.entry,
    observationOf: () => world.observation,
    hasLeft: typeof world.hasLeft === 'function' ? world.hasLeft : () => world.hasLeft === true,
    isSchemaChanged: () => world.isSchemaChanged === true,
    nextRepairAtMs: () => world.nextRepairAtMs,
    glimpseOf: () => world.glimpse,
    earlyRetryAtMs: () => world.earlyRetryAtMs,
  });
  return inputs.get(of.id);
}

describe('what there is to do for a node', () => {
  it('is nothing where the cluster has what was sent and left', () => {
    expect(inputFor({ entry, observation })).toMatchObject({ work: 'none', readiness: { state: 'ready' } });
  });

  it('is a creation while no object is known to be its', () => {
    const { uid: _uid, ...intent } = entry;
    expect(inputFor({ entry: intent, observation: undefined })?.work).toBe('create');
    expect(inputFor({ entry: undefined, observation })?.work).toBe('create');
  });

  it.each<[DriftPolicy, string, string]>([
    ['correct', 'repair', 'repair'],
    ['detect', 'none', 'none'],
    ['ignore', 'none', 'none'],
  ])('follows the policy for drift: %s', (drift, edited, deleted) => {
    const changed = { ...observation, owned: {} };
    expect(inputFor({ entry, observation: changed, drift })?.work).toBe(edited);
    expect(inputFor({ entry, observation: undefined, drift })).toMatchObject({
      work: deleted,
      readiness: { state: 'waiting', reason: 'NotFound' },
    });
    expect(inputFor({ entry: { ...entry, sent: 'other' }, observation, drift })?.work).toBe('update');
    expect(inputFor({ entry, observation: undefined, glimpse: observation, drift: 'ignore' })).toMatchObject({
      work: 'none',
      readiness: { state: 'ready' },
    });
  });

  it('is an update where the node says something else than what was sent', () => {
    expect(inputFor({ entry: { ...entry, sent: 'other' }, observation })?.work).toBe('update');
  });

  it.each<[string, Observation | undefined]>([
    ['is gone', undefined],
    ['is another one of that name', { ...observation, uid: 'u2' }],
    ['is being deleted', { ...observation, deletionTimestamp: '2026-01-01T00:30:00Z' }],
    ['has other values in our fields', { ...observation, owned: { [owner.manager]: 'edited' } }],
    ['has no entry of ours any more', { ...observation, owned: {} }],
  ])('is a repair where the object %s', (_, seen) => {
    expect(inputFor({ entry, observation: seen })?.work).toBe('repair');
  });
});

describe('a Job with a TTL', () => {
  const job: ResolvedNode = {
    id: 'migrate',
    object: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate' },
      spec: { ttlSecondsAfterFinished: 60 },
    },
  };
  const jobEntry = {
    ...entry,
    group: 'batch',
    kind: 'Job',
    name: 'migrate',
    sent: sentHash(target(job).stamped('Created'), []),
  };

  it('is over when it goes after it was Ready', () => {
    const status: ResourceGraphStatus = {
      observedGeneration: 3,
      nodeStatus: { migrate: { phase: 'Ready' } },
    };
    const input = inputFor({ entry: jobEntry, observation: undefined, status }, job);
    expect(input).toMatchObject({ work: 'none', readiness: { state: 'ready' } });
  });

  it('is over as soon as it begins to go: its Pods go first', () => {
    const status: ResourceGraphStatus = {
      observedGeneration: 3,
      nodeStatus: { migrate: { phase: 'Ready' } },
    };
    const going = { ...observation, deletionTimestamp: '2026-01-01T00:30:00Z' };
    const input = inputFor({ entry: jobEntry, observation: going, status }, job);
    expect(input).toMatchObject({ work: 'none', readiness: { state: 'ready' } });
  });

  it('is made again when it goes before that', () => {
    const status: ResourceGraphStatus = {
      observedGeneration: 3,
      nodeStatus: { migrate: { phase: 'Applied' } },
    };
    expect(inputFor({ entry: jobEntry, observation: undefined, status }, job)?.work).toBe('repair');
  });
});

describe('what a node brings along', () => {
  const failing = {
    phase: 'Error',
    reason: 'X',
    attempts: 4,
    nextAttemptAt: '2026-01-01T02:00:00Z',
  } as const;

  it('keeps its backoff within a generation', () => {
    const status = { observedGeneration: 3, nodeStatus: { config: failing } };
    expect(inputFor({ entry, observation, status })?.status).toEqual(failing);
  });

  it('does not wait on for a kind that is served by now', () => {
    const waiting = {
      phase: 'Pending',
      reason: 'KindNotServed',
      attempts: 2,
      nextAttemptAt: '2026-01-01T02:00:00Z',
    } as const;
    const status = { observedGeneration: 3, nodeStatus: { config: waiting } };
    expect(inputFor({ status })?.status).not.toHaveProperty('nextAttemptAt');
  });

  it('starts afresh with a new one', () => {
    const status = { observedGeneration: 2, nodeStatus: { config: failing } };
    expect(inputFor({ entry, observation, status })?.status).toEqual({ phase: 'Error', reason: 'X' });
  });

  it('starts afresh where the generation was seen, but its nodes were not come to', () => {
    const status = { observedGeneration: 3, executedHash: 'before', nodeStatus: { config: failing } };
    expect(inputFor({ entry, observation, status })?.status).toEqual({ phase: 'Error', reason: 'X' });
    const executed = { ...status, executedHash: 'h' };
    expect(inputFor({ entry, observation, status: executed })?.status).toEqual(failing);
  });

  it('counts as changed until it was Ready after its last apply', () => {
    const applied = { phase: 'Applied', appliedAt: '2026-01-01T00:10:00Z' } as const;
    const with_ = (readyAt: string): ResourceGraphStatus => ({
      observedGeneration: 3,
      nodeStatus: { config: { ...applied, readyAt } },
    });
    expect(inputFor({ entry, observation, status: with_('2026-01-01T00:05:00Z') })?.isChanged).toBe(true);
    expect(inputFor({ entry, observation, status: with_('2026-01-01T00:20:00Z') })?.isChanged).toBe(false);
  });

  it('waits with a repair that someone keeps undoing, and with nothing else', () => {
    const ready = { observedGeneration: 3, nodeStatus: { config: { phase: 'Ready' } } } as const;
    const nextRepairAtMs = Date.parse('2026-01-01T01:00:30Z');
    const edited = { ...observation, owned: { [owner.manager]: 'edited' } };
    const world = { entry, status: ready, nextRepairAtMs };
    expect(inputFor({ ...world, observation: edited })?.status.nextAttemptAt).toBe(
      '2026-01-01T01:00:30.000Z',
    );
    expect(inputFor({ ...world, observation })?.status.nextAttemptAt).toBeUndefined();
    const update = inputFor({ ...world, entry: { ...entry, sent: 'other' }, observation: edited });
    expect(update).toMatchObject({ work: 'update', status: { phase: 'Ready' } });
    expect(update?.status.nextAttemptAt).toBeUndefined();
  });

  it('waits no longer for an object to go that has gone', () => {
    const waiting = {
      phase: 'Pending',
      reason: 'ObjectTerminating',
      attempts: 2,
      nextAttemptAt: '2026-01-01T02:00:00Z',
    } as const;
    const status = { observedGeneration: 3, nodeStatus: { config: waiting } };
    expect(inputFor({ entry, status })?.status.nextAttemptAt).toBe(waiting.nextAttemptAt);
    const input = inputFor({ entry, status, hasLeft: true });
    expect(input?.status).toEqual({ phase: 'Pending', reason: 'ObjectTerminating' });
    expect(input?.work).toBe('repair');
  });

  it('is done at once where the schema has changed that it was refused for', () => {
    const of = (reason: string): ResourceGraphStatus => ({
      observedGeneration: 3,
      nodeStatus: {
        config: { phase: 'Error', reason, attempts: 9, nextAttemptAt: '2026-01-01T02:00:00Z' },
      },
    });
    const timesOf = (reason: string, isSchemaChanged: boolean): unknown => {
      const { attempts, nextAttemptAt } = inputFor({ status: of(reason), isSchemaChanged })?.status ?? {};
      return [attempts, nextAttemptAt];
    };
    expect(timesOf('InvalidObject', true)).toEqual([undefined, undefined]);
    expect(timesOf('InvalidObject', false)).toEqual([9, '2026-01-01T02:00:00Z']);
    expect(timesOf('FieldConflict', true)).toEqual([9, '2026-01-01T02:00:00Z']);
  });

  it('awaits that an object which can not be changed is deleted, where the watch shows it', () => {
    const failed = {
      phase: 'Error',
      reason: 'ImmutableField',
      nextAttemptAt: '2026-01-01T02:00:00Z',
    } as const;
    const status = { observedGeneration: 3, nodeStatus: { config: failed } };
    const awaited: boolean[] = [];
    const hasLeft = (_: unknown, isAwaited: boolean): boolean => {
      awaited.push(isAwaited);
      return false;
    };
    inputFor({ entry, status, observation, hasLeft });
    inputFor({ entry, status, observation: undefined, hasLeft });
    inputFor({ entry, observation, hasLeft });
    expect(awaited).toEqual([true, false, false]);
  });
});

describe('a node in quarantine', () => {
  const quarantinedUntil = '2026-01-01T01:05:00Z';
  const statusOf = (status: NodeStatus): ResourceGraphStatus => ({
    observedGeneration: 3,
    nodeStatus: { config: status },
  });

  it('is repaired when its quarantine is over, and at once where somebody asks', () => {
    const status = statusOf({ phase: 'Applied', quarantinedUntil });
    expect(inputFor({ entry, status })).toMatchObject({
      work: 'repair',
      status: { nextAttemptAt: '2026-01-01T01:05:00.000Z' },
    });
    expect(inputFor({ entry, status, isAsked: true })?.status).not.toHaveProperty('nextAttemptAt');
    const over = statusOf({ phase: 'Applied', quarantinedUntil: '2026-01-01T00:59:00Z' });
    expect(inputFor({ entry, status: over })?.status).not.toHaveProperty('nextAttemptAt');
  });

  it('takes a change at once', () => {
    const changed: ResolvedNode = { ...node, object: { ...node.object, data: { a: '2' } } };
    const status = statusOf({ phase: 'Applied', quarantinedUntil });
    const input = inputFor({ entry, observation, status }, changed);
    expect(input).toMatchObject({ work: 'update' });
    expect(input?.status).not.toHaveProperty('nextAttemptAt');
  });
});

describe('what was found out beside the watch', () => {
  const probed: ResolvedNode = {
    ...node,
    readyWhen: [{ type: 'External', url: 'tcp://db:5432', timeout: '1m' }],
  };
  const entryOfProbed = { ...entry, sent: sentHash(target(probed).stamped('Created'), []) };
  const applied = {
    phase: 'Applied',
    appliedAt: '2026-01-01T00:59:30Z',
    reason: 'ProbeNotReady',
    message: 'says no',
  } as const;
  const judged = (status: NodeStatus, signs?: Partial<Signs>, of: ResolvedNode = probed) =>
    inputFor(
      {
        entry: of === probed ? entryOfProbed : entry,
        observation,
        status: { observedGeneration: 3, nodeStatus: { config: status } },
        signs: { answerOf: () => undefined, troubleOf: () => undefined, ...signs },
      },
      of,
    )?.readiness;

  it('is the answer of a probe, within the timeout of its predicate', () => {
    const ready = { state: 'ready', reason: 'Ready', message: 'tcp://db:5432 accepts connections' } as const;
    expect(judged(applied, { answerOf: () => ready })).toMatchObject(ready);
    const no = { state: 'waiting', reason: 'ProbeNotReady', message: 'is not ready: refused' } as const;
    expect(judged(applied, { answerOf: () => no })).toMatchObject({
      ...no,
      deadlineAtMs: Date.parse('2026-01-01T01:00:30Z'),
    });
    expect(judged({ ...applied, appliedAt: '2026-01-01T00:59:00Z' }, { answerOf: () => no })).toMatchObject({
      state: 'failed',
      reason: 'ReadinessTimeout',
    });
  });

  it('leaves the status standing while no answer is in, as after a restart', () => {
    expect(judged({ phase: 'Ready', readyAt: '2026-01-01T00:00:00Z' })).toMatchObject({ state: 'ready' });
    expect(judged(applied)).toMatchObject({ state: 'waiting', reason: 'ProbeNotReady', message: 'says no' });
    const failed = { ...applied, phase: 'Error', reason: 'WebhookFailed' } as const;
    expect(judged(failed)).toMatchObject({ state: 'failed', reason: 'WebhookFailed' });
    expect(judged({ phase: 'Applied', appliedAt: applied.appliedAt })).toMatchObject({ reason: 'NotProbed' });
  });

  it('names what is wrong with Pods only while the node is not ready', () => {
    const trouble = { reason: 'CrashLoopBackOff', message: 'container main is in CrashLoopBackOff' };
    const no = { state: 'waiting', reason: 'x', message: 'is not available (0/1)' } as const;
    expect(judged(applied, { answerOf: () => no, troubleOf: () => trouble })).toMatchObject({
      state: 'waiting',
      reason: 'CrashLoopBackOff',
      message: 'is not available (0/1): container main is in CrashLoopBackOff',
    });
    expect(judged({ phase: 'Ready' }, { troubleOf: () => trouble }, node)).toMatchObject({
      message: 'exists',
    });
  });
});

describe('what is made once (mode Create)', () => {
  const once: ResolvedNode = { ...node, applyPolicy: { mode: 'Create' } };

  it('is not updated or repaired, whatever the node says and whoever edits it', () => {
    const edited: Observation = { ...observation, owned: { [owner.manager]: 'other' } };
    expect(inputFor({ entry: { ...entry, sent: 'other' }, observation: edited }, once)?.work).toBe('none');
  });

  it('is looked for when it is gone', () => {
    expect(inputFor({ entry, observation: undefined }, once)?.work).toBe('repair');
  });

  it('is judged by a look where no watch shows it, until the next look is due', () => {
    const { sent: _sent, owned: _owned, ...left } = entry;
    const found: InventoryItem = { ...left, origin: 'Found' };
    expect(inputFor({ entry: found, glimpse: observation }, once)).toMatchObject({
      work: 'none',
      readiness: { state: 'ready' },
    });
    expect(inputFor({ entry: found }, once)?.work).toBe('repair');
  });
});

describe('a node that met a field conflict', () => {
  const nextAttemptAt = '2026-01-01T01:05:00.000Z';
  const failed: ResourceGraphStatus = {
    observedGeneration: 3,
    nodeStatus: { config: { phase: 'Error', reason: 'FieldConflict', attempts: 1, nextAttemptAt } },
  };
  const changed = { ...entry, sent: 'before' };

  it('waits for its time while others hold what they held', () => {
    expect(inputFor({ entry: changed, observation, status: failed })?.status.nextAttemptAt).toBe(
      nextAttemptAt,
    );
  });

  it('is tried early once they hold something else', () => {
    const earlyRetryAtMs = Date.parse('2026-01-01T00:59:00Z');
    const input = inputFor({ entry: changed, observation, status: failed, earlyRetryAtMs });
    expect(input?.status.nextAttemptAt).toBe('2026-01-01T00:59:00.000Z');
  });
});
