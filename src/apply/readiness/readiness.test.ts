import { describe, expect, it } from 'vitest';
import type { KubeObject, ReadinessPredicate } from '../../api/index.ts';
import { type JsonObject, type JsonValue, setPointer } from '../../json/index.ts';
import { liveDeployment, MANAGER } from '../fields/deployment.fixture.ts';
import { ownedHash } from '../fields/index.ts';
import { evaluateReadiness, observe } from './index.ts';

const NOW_MS = Date.parse('2026-03-01T10:10:00Z');
const MINUTE_MS = 60_000;

function judge(
  predicates: readonly ReadinessPredicate[] | undefined,
  object: KubeObject | undefined,
  ageMs = 0,
): readonly [state: string, reason: string, message: string, deadlineInMs?: number] {
  const clock = { appliedAtMs: NOW_MS - ageMs, nowMs: NOW_MS };
  const found = evaluateReadiness(predicates, object === undefined ? undefined : observe(object), clock);
  const { state, reason, message, deadlineAtMs } = found;
  return deadlineAtMs === undefined
    ? [state, reason, message]
    : [state, reason, message, deadlineAtMs - NOW_MS];
}

const change = (pointer: string, value: JsonValue): KubeObject =>
  setPointer(liveDeployment(), pointer, value);

function custom(status: JsonObject, generation = 2): KubeObject {
  return { apiVersion: 'example.org/v1', kind: 'Database', metadata: { name: 'db', generation }, status };
}

function statefulSet(status: JsonObject, type = 'RollingUpdate'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', generation: 1 },
    spec: { replicas: 2, updateStrategy: { type } },
    status,
  };
}

const job = (...conditions: readonly JsonObject[]): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'migrate' },
  status: { startTime: '2026-03-01T10:00:00Z', conditions },
});

describe('without predicates', () => {
  it('kstatus decides', () => {
    expect(judge(undefined, liveDeployment())).toEqual(['ready', 'Ready', 'is available (3/3)']);
    expect(judge([], change('/status/availableReplicas', 1))).toEqual([
      'waiting',
      'LessAvailable',
      'is not available (1/3)',
      5 * MINUTE_MS,
    ]);
  });

  it('a failure is one at once', () => {
    const failing = custom({
      conditions: [{ type: 'Stalled', status: 'True', reason: 'NoQuota', message: 'no room' }],
    });
    expect(judge(undefined, failing)).toEqual(['failed', 'NoQuota', 'is stalled: no room']);
  });

  it('a missing object is waited for', () => {
    expect(judge(undefined, undefined)).toEqual(['waiting', 'NotFound', 'does not exist', 5 * MINUTE_MS]);
  });
});

describe('Exists', () => {
  const exists: readonly ReadinessPredicate[] = [{ type: 'Exists', timeout: '1m' }];

  it('waits for the object and asks for nothing else', () => {
    expect(judge(exists, undefined)).toEqual(['waiting', 'NotFound', 'does not exist', MINUTE_MS]);
    expect(judge(exists, change('/metadata/generation', 9))[0]).toBe('ready');
  });

  it('does not hold for an object that is being deleted', () => {
    expect(judge(exists, change('/metadata/deletionTimestamp', '2026-03-01T10:00:00Z'))[1]).toBe(
      'Terminating',
    );
  });
});

describe('ConditionMatch', () => {
  const synced: readonly ReadinessPredicate[] = [{ type: 'ConditionMatch', conditionType: 'Synced' }];
  const withCondition = (condition: JsonObject): KubeObject =>
    custom({ conditions: [{ type: 'Synced', ...condition }] });

  it.each<[string, KubeObject, string, string]>([
    ['a match', withCondition({ status: 'True' }), 'ready', 'has condition Synced=True'],
    [
      'another status',
      withCondition({ status: 'False', reason: 'Busy' }),
      'waiting',
      'has condition Synced=False: Busy',
    ],
    ['no such condition', custom({}), 'waiting', 'has no condition Synced yet'],
    [
      'a condition of an older generation',
      withCondition({ status: 'True', observedGeneration: 1 }),
      'waiting',
      'has a condition Synced of an older generation',
    ],
    [
      'a condition of this generation',
      withCondition({ status: 'True', observedGeneration: 2 }),
      'ready',
      'has condition Synced=True',
    ],
    [
      'a status of an older generation',
      custom({ observedGeneration: 1, conditions: [{ type: 'Synced', status: 'True' }] }),
      'waiting',
      'is at generation 2, its status at 1',
    ],
  ])('with %s', (_, object, state, message) => {
    const [foundState, , foundMessage] = judge(synced, object);
    expect([foundState, foundMessage]).toEqual([state, message]);
  });

  it('can ask for any status', () => {
    const degraded: ReadinessPredicate = {
      type: 'ConditionMatch',
      conditionType: 'Synced',
      conditionStatus: 'False',
    };
    expect(judge([degraded], withCondition({ status: 'False' }))[0]).toBe('ready');
    expect(judge([degraded], withCondition({ status: 'True' }))[0]).toBe('waiting');
  });
});

describe('DeploymentAvailable', () => {
  const available: readonly ReadinessPredicate[] = [{ type: 'DeploymentAvailable' }];
  const unavailable = change('/status/conditions/0/status', 'False');

  it.each<[string, KubeObject, string, string, string]>([
    ['is ready while available', liveDeployment(), 'ready', 'Ready', 'is available (3/3)'],
    [
      'waits while not',
      setPointer(unavailable, '/status/availableReplicas', 1),
      'waiting',
      'DeploymentNotAvailable',
      'is not available (1/3)',
    ],
    [
      'does not believe the status of an older generation',
      change('/metadata/generation', 3),
      'waiting',
      'GenerationNotObserved',
      'is at generation 3, its status at 2',
    ],
    [
      'waits for the controller',
      setPointer(liveDeployment(), '/status', {}),
      'waiting',
      'NotObserved',
      'has not been observed by its controller',
    ],
    [
      'waits while being deleted',
      change('/metadata/deletionTimestamp', 'T'),
      'waiting',
      'Terminating',
      'is being deleted since T',
    ],
    [
      'fails past the progress deadline',
      setPointer(
        setPointer(unavailable, '/status/conditions/1/reason', 'ProgressDeadlineExceeded'),
        '/status/availableReplicas',
        0,
      ),
      'failed',
      'ProgressDeadlineExceeded',
      'is not available (0/3)',
    ],
  ])('%s', (_, object, state, reason, message) => {
    expect(judge(available, object).slice(0, 3)).toEqual([state, reason, message]);
  });
});

describe('StatefulSetReady', () => {
  const predicate: readonly ReadinessPredicate[] = [{ type: 'StatefulSetReady' }];
  const rolled = {
    observedGeneration: 1,
    replicas: 2,
    readyReplicas: 2,
    currentReplicas: 2,
    updatedReplicas: 2,
  };

  it.each<[string, KubeObject, string, string]>([
    ['is ready', statefulSet(rolled), 'ready', 'is ready (2/2)'],
    ['waits for Pods', statefulSet({ ...rolled, readyReplicas: 1 }), 'waiting', 'is not ready (1/2)'],
    [
      'waits for the update',
      statefulSet({ ...rolled, currentReplicas: 1 }),
      'waiting',
      'is not updated (1/2)',
    ],
    [
      'waits for Pods also where they are updated by hand',
      statefulSet({ ...rolled, readyReplicas: 0 }, 'OnDelete'),
      'waiting',
      'is not ready (0/2)',
    ],
    ['waits for the controller', statefulSet({}), 'waiting', 'has not been observed by its controller'],
  ])('%s', (_, object, state, message) => {
    const [foundState, , foundMessage] = judge(predicate, object);
    expect([foundState, foundMessage]).toEqual([state, message]);
  });
});

describe('JobComplete', () => {
  const complete: readonly ReadinessPredicate[] = [{ type: 'JobComplete' }];

  it('waits for the end, and fails with the Job', () => {
    expect(judge(complete, job())).toEqual([
      'waiting',
      'JobNotComplete',
      'is not complete: is running (0/1 complete)',
      5 * MINUTE_MS,
    ]);
    expect(judge(complete, job({ type: 'Complete', status: 'True' }))[0]).toBe('ready');
    expect(judge(complete, job({ type: 'Failed', status: 'True', message: 'limit' }))).toEqual([
      'failed',
      'JobFailed',
      'has failed: limit',
    ]);
  });
});

describe('timeouts', () => {
  const short: ReadinessPredicate = { type: 'ConditionMatch', conditionType: 'Synced', timeout: '30s' };
  const long: ReadinessPredicate = { type: 'ConditionMatch', conditionType: 'Ready', timeout: '1h' };

  it('count from the last apply and end in a failure that says what was waited for', () => {
    expect(judge([short], custom({}), 29_999)).toEqual([
      'waiting',
      'ConditionMissing',
      'has no condition Synced yet',
      1,
    ]);
    expect(judge([short], custom({}), 30_000)).toEqual([
      'failed',
      'ReadinessTimeout',
      'has no condition Synced yet, still after 30 s',
    ]);
  });

  it('do not keep an object from becoming ready later', () => {
    expect(judge([short], custom({ conditions: [{ type: 'Synced', status: 'True' }] }), 3_600_000)[0]).toBe(
      'ready',
    );
  });

  it('are 5 minutes where nothing is said, and each predicate has its own', () => {
    expect(judge([{ type: 'Exists' }], undefined, MINUTE_MS)[3]).toBe(4 * MINUTE_MS);
    expect(judge([long, short], custom({}))).toEqual([
      'waiting',
      'ConditionMissing',
      'has no condition Ready yet',
      30_000,
    ]);
    expect(judge([long, short], custom({}), MINUTE_MS)).toEqual([
      'failed',
      'ReadinessTimeout',
      'has no condition Synced yet, still after 30 s',
    ]);
  });

  it('start now where nothing was applied', () => {
    const found = evaluateReadiness([short], undefined, { appliedAtMs: undefined, nowMs: NOW_MS });
    expect(found.deadlineAtMs).toBe(NOW_MS + 30_000);
  });

  it('all predicates must hold', () => {
    const object = custom({ conditions: [{ type: 'Synced', status: 'True' }] });
    expect(judge([short, long], object)[2]).toBe('has no condition Ready yet');
    expect(judge([short, { type: 'Exists' }], object)[0]).toBe('ready');
  });
});

describe('observe', () => {
  it('keeps what drift, readiness and belonging need', () => {
    const object = setPointer(liveDeployment(), '/metadata/finalizers', ['example.org/hold']);
    expect(observe(object)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      uid: '5b1e6a1c-7a5e-4c11-9a37-0a8f5a0f7f51',
      resourceVersion: '81234',
      creationTimestamp: '2026-03-01T10:00:00Z',
      generation: 2,
      observedGeneration: 2,
      finalizers: ['example.org/hold'],
      graphId: 'applyset-x-v1',
      annotations: { 'pequod.io/node': 'app' },
      owned: { [MANAGER]: ownedHash(object, MANAGER) },
      status: { status: 'Current', reason: 'Current', message: 'is available (3/3)' },
      conditions: [
        {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        },
        {
          type: 'Progressing',
          status: 'True',
          reason: 'NewReplicaSetAvailable',
          message: 'ReplicaSet has progressed.',
        },
      ],
      replicas: { wanted: 3, ready: 3, available: 3 },
    });
  });

  it('hashes the share of every graph, but not of the keeper of ignored fields', () => {
    const entry = { operation: 'Apply', fieldsV1: { 'f:spec': { 'f:replicas': {} } } } as const;
    const object = liveDeployment();
    const managedFields = [
      ...(object.metadata.managedFields ?? []),
      { ...entry, manager: 'pequod/shop/other' },
      { ...entry, manager: 'pequod/keep' },
      { ...entry, manager: 'pequod/shop/updates', operation: 'Update' as const },
    ];
    const seen = observe({ ...object, metadata: { ...object.metadata, managedFields } });
    expect(Object.keys(seen.owned)).toEqual([MANAGER, 'pequod/shop/other']);
  });

  it('leaves ignored fields out of the hash', () => {
    const ignored = { ignoredPointersOf: () => ['/spec/replicas'], answersOf: () => undefined };
    expect(observe(change('/spec/replicas', 9), ignored).owned).toEqual(
      observe(liveDeployment(), ignored).owned,
    );
    expect(observe(change('/spec/replicas', 9)).owned).not.toEqual(observe(liveDeployment()).owned);
  });

  it('keeps nothing of a Secret but the hash', () => {
    const secret: KubeObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 's',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'aHVudGVyMg==' },
        managedFields: [
          { manager: MANAGER, operation: 'Apply', fieldsV1: { 'f:data': { 'f:password': {} } } },
        ],
      },
      data: { password: 'aHVudGVyMg==' },
    };
    expect(JSON.stringify(observe(secret))).not.toContain('aHVudGVyMg');
  });

  it('cuts long messages and takes an object that lacks everything', () => {
    const long = observe(
      custom({ conditions: [{ type: 'Ready', status: 'False', message: 'x'.repeat(9_000) }] }),
    );
    expect(long.conditions[0]?.message).toHaveLength(256);
    expect(long.status.message).toHaveLength(256);
    const bare = observe({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } });
    expect(bare).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: 'c',
      uid: '',
      resourceVersion: '',
      creationTimestamp: '',
      finalizers: [],
      annotations: {},
      owned: {},
      status: { status: 'Current', reason: 'Current', message: 'exists' },
      conditions: [],
    });
  });
});
