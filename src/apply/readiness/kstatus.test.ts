import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/index.ts';
import type { JsonObject, JsonValue } from '../../json/index.ts';
import { objectStatusOf } from './index.ts';

interface Parts {
  readonly generation?: number;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly deletionTimestamp?: string;
}

function objectOf(apiVersion: string, kind: string, parts: Parts): KubeObject {
  const { generation, deletionTimestamp, spec, status } = parts;
  return {
    apiVersion,
    kind,
    metadata: {
      name: 'web',
      namespace: 'shop',
      ...(generation === undefined ? {} : { generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    ...(spec === undefined ? {} : { spec }),
    ...(status === undefined ? {} : { status }),
  };
}

const condition = (type: string, status: string, reason = '', message = ''): JsonObject => ({
  type,
  status,
  reason,
  message,
});
const conditions = (...list: readonly JsonValue[]): JsonObject => ({ conditions: list });

type Row = readonly [what: string, parts: Parts, status: string, message: string];

function table(apiVersion: string, kind: string, rows: readonly Row[]): void {
  describe(`${kind} (${apiVersion})`, () => {
    it.each(rows)('%s', (_, parts, status, message) => {
      const found = objectStatusOf(objectOf(apiVersion, kind, parts));
      expect([found.status, found.message]).toEqual([status, message]);
      expect(found.reason).toMatch(/^[A-Z][A-Za-z]+$/);
    });
  });
}

const AVAILABLE = condition('Available', 'True', 'MinimumReplicasAvailable');
const ROLLED_OUT = condition('Progressing', 'True', 'NewReplicaSetAvailable');
const deployed = {
  observedGeneration: 2,
  replicas: 3,
  updatedReplicas: 3,
  readyReplicas: 3,
  availableReplicas: 3,
};
const deployment = { replicas: 3, progressDeadlineSeconds: 600 };

table('apps/v1', 'Deployment', [
  ['without a status', { generation: 1, spec: deployment }, 'InProgress', 'has too few replicas (0/3)'],
  [
    'rolled out',
    { generation: 2, spec: deployment, status: { ...deployed, ...conditions(AVAILABLE, ROLLED_OUT) } },
    'Current',
    'is available (3/3)',
  ],
  [
    'with a status of an older generation',
    { generation: 3, spec: deployment, status: { ...deployed, ...conditions(AVAILABLE, ROLLED_OUT) } },
    'InProgress',
    'is at generation 3, its status at 2',
  ],
  [
    'partly updated',
    {
      generation: 2,
      spec: deployment,
      status: { ...deployed, updatedReplicas: 1, ...conditions(AVAILABLE) },
    },
    'InProgress',
    'is not updated (1/3)',
  ],
  [
    'with old Pods left',
    { generation: 2, spec: deployment, status: { ...deployed, replicas: 4, ...conditions(AVAILABLE) } },
    'InProgress',
    'waits for 1 old replicas to end',
  ],
  [
    'partly available',
    { generation: 2, spec: deployment, status: { ...deployed, availableReplicas: 1 } },
    'InProgress',
    'is not available (1/3)',
  ],
  [
    'past its progress deadline',
    {
      generation: 2,
      spec: deployment,
      status: {
        ...deployed,
        availableReplicas: 0,
        ...conditions(condition('Progressing', 'False', 'ProgressDeadlineExceeded')),
      },
    },
    'Failed',
    'exceeded its progress deadline',
  ],
  [
    'whose ReplicaSet is not there yet',
    {
      generation: 2,
      spec: deployment,
      status: {
        ...deployed,
        ...conditions(AVAILABLE, condition('Progressing', 'True', 'ReplicaSetUpdated')),
      },
    },
    'InProgress',
    'has no available ReplicaSet yet',
  ],
  [
    'without a deadline, which has no Progressing condition',
    { generation: 2, spec: { replicas: 3 }, status: { ...deployed, ...conditions(AVAILABLE) } },
    'Current',
    'is available (3/3)',
  ],
  [
    'without the Available condition',
    { generation: 2, spec: { replicas: 3 }, status: deployed },
    'InProgress',
    'is not available',
  ],
  [
    'scaled to zero',
    {
      generation: 2,
      spec: { ...deployment, replicas: 0 },
      status: { observedGeneration: 2, ...conditions(AVAILABLE, ROLLED_OUT) },
    },
    'Current',
    'is available (0/0)',
  ],
  [
    'being deleted',
    { generation: 2, deletionTimestamp: '2026-03-01T10:00:00Z', spec: deployment, status: deployed },
    'Terminating',
    'is being deleted since 2026-03-01T10:00:00Z',
  ],
]);

const set = { observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2 };
const revisions = { currentRevision: 'web-1', updateRevision: 'web-1' };

table('apps/v1', 'StatefulSet', [
  ['without a status', { generation: 1, spec: { replicas: 2 } }, 'InProgress', 'has too few replicas (0/2)'],
  [
    'ready',
    { generation: 1, spec: { replicas: 2 }, status: { ...set, ...revisions } },
    'Current',
    'is ready (2/2)',
  ],
  [
    'partly ready',
    { generation: 1, spec: { replicas: 2 }, status: { ...set, ...revisions, readyReplicas: 1 } },
    'InProgress',
    'is not ready (1/2)',
  ],
  [
    'scaling down',
    { generation: 1, spec: { replicas: 1 }, status: { ...set, ...revisions } },
    'InProgress',
    'waits for 1 old replicas to end',
  ],
  [
    'being updated',
    { generation: 1, spec: { replicas: 2 }, status: { ...set, ...revisions, currentReplicas: 1 } },
    'InProgress',
    'is not updated (1/2)',
  ],
  [
    'at an older revision',
    { generation: 1, spec: { replicas: 2 }, status: { ...set, ...revisions, updateRevision: 'web-2' } },
    'InProgress',
    'is not at its newest revision',
  ],
  [
    'updated down to its partition',
    {
      generation: 1,
      spec: { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
      status: { ...set, updatedReplicas: 1, currentReplicas: 1, updateRevision: 'web-2' },
    },
    'Current',
    'is updated down to its partition (1)',
  ],
  [
    'not updated down to its partition',
    {
      generation: 1,
      spec: { replicas: 2, updateStrategy: { rollingUpdate: { partition: 1 } } },
      status: { ...set, updatedReplicas: 0 },
    },
    'InProgress',
    'is not updated (0/1)',
  ],
  [
    'with partition 0, which the API server fills in',
    {
      generation: 1,
      spec: { replicas: 2, updateStrategy: { rollingUpdate: { partition: 0 } } },
      status: { ...set, ...revisions, updateRevision: 'web-2' },
    },
    'InProgress',
    'is not at its newest revision',
  ],
  [
    'updated by hand',
    { generation: 1, spec: { replicas: 2, updateStrategy: { type: 'OnDelete' } }, status: set },
    'Current',
    'is updated by deleting its Pods',
  ],
]);

const daemon = {
  observedGeneration: 1,
  desiredNumberScheduled: 2,
  currentNumberScheduled: 2,
  updatedNumberScheduled: 2,
  numberAvailable: 2,
  numberReady: 2,
};

table('apps/v1', 'DaemonSet', [
  ['without a status', { generation: 1 }, 'InProgress', 'has not been observed by its controller'],
  ['available', { generation: 1, status: daemon }, 'Current', 'is available (2/2)'],
  [
    'not scheduled',
    { generation: 1, status: { ...daemon, currentNumberScheduled: 1 } },
    'InProgress',
    'is not scheduled (1/2)',
  ],
  [
    'not updated',
    { generation: 1, status: { ...daemon, updatedNumberScheduled: 0 } },
    'InProgress',
    'is not updated (0/2)',
  ],
  [
    'not available',
    { generation: 1, status: { ...daemon, numberAvailable: 1 } },
    'InProgress',
    'is not available (1/2)',
  ],
  ['not ready', { generation: 1, status: { ...daemon, numberReady: 1 } }, 'InProgress', 'is not ready (1/2)'],
  [
    'updated by hand',
    {
      generation: 1,
      spec: { updateStrategy: { type: 'OnDelete' } },
      status: { ...daemon, updatedNumberScheduled: 0 },
    },
    'Current',
    'is available (2/2)',
  ],
  [
    'on no node',
    { generation: 1, status: { observedGeneration: 1, desiredNumberScheduled: 0 } },
    'Current',
    'is available (0/0)',
  ],
]);

const replicas = { replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2 };

table('apps/v1', 'ReplicaSet', [
  ['available', { spec: { replicas: 2 }, status: replicas }, 'Current', 'is available (2/2)'],
  ['without a status', { spec: { replicas: 2 } }, 'InProgress', 'has too few labelled replicas (0/2)'],
  [
    'not available',
    { spec: { replicas: 2 }, status: { ...replicas, availableReplicas: 0 } },
    'InProgress',
    'is not available (0/2)',
  ],
  [
    'that may not create Pods',
    {
      spec: { replicas: 2 },
      status: conditions(condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota')),
    },
    'InProgress',
    "can't create Pods: exceeded quota",
  ],
]);

const waiting = (reason: string): JsonObject => ({ name: 'web', state: { waiting: { reason } } });

table('v1', 'Pod', [
  ['not observed', {}, 'InProgress', 'has no phase yet'],
  [
    'running and ready',
    { status: { phase: 'Running', ...conditions(condition('Ready', 'True')) } },
    'Current',
    'is ready',
  ],
  [
    'running and not ready',
    { status: { phase: 'Running', ...conditions(condition('Ready', 'False')) } },
    'InProgress',
    'is running but not ready',
  ],
  [
    'crash looping',
    {
      status: {
        phase: 'Running',
        containerStatuses: [waiting('CrashLoopBackOff'), { name: 'x', state: { running: {} } }],
      },
    },
    'Failed',
    'has crashing containers: web (CrashLoopBackOff)',
  ],
  ['pending', { status: { phase: 'Pending' } }, 'InProgress', 'is pending'],
  [
    'pending for want of room',
    {
      status: {
        phase: 'Pending',
        ...conditions(condition('PodScheduled', 'False', 'Unschedulable', '0/3 nodes are available')),
      },
    },
    'InProgress',
    "can't be scheduled: 0/3 nodes are available",
  ],
  [
    'pending for want of its image',
    { status: { phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff')] } },
    'InProgress',
    "has containers that can't start: web (ImagePullBackOff)",
  ],
  ['completed', { status: { phase: 'Succeeded' } }, 'Current', 'has completed'],
  ['failed', { status: { phase: 'Failed', message: 'evicted' } }, 'Failed', 'has failed: evicted'],
]);

table('batch/v1', 'Job', [
  ['not started', { spec: { completions: 2 } }, 'InProgress', 'has not started'],
  [
    'running',
    { spec: { completions: 2 }, status: { startTime: 'x', active: 1, succeeded: 1 } },
    'Current',
    'is running (1/2 complete)',
  ],
  [
    'complete',
    { status: { succeeded: 1, ...conditions(condition('Complete', 'True')) } },
    'Current',
    'is complete (1/1)',
  ],
  [
    'failed',
    {
      status: conditions(
        condition('Failed', 'True', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
      ),
    },
    'Failed',
    'has failed: Job has reached the specified backoff limit',
  ],
  ['suspended', { status: conditions(condition('Suspended', 'True')) }, 'Current', 'is suspended'],
]);

table('v1', 'PersistentVolumeClaim', [
  ['bound', { status: { phase: 'Bound' } }, 'Current', 'is bound'],
  ['pending', { status: { phase: 'Pending' } }, 'InProgress', 'is not bound (Pending)'],
  ['new', {}, 'InProgress', 'is not bound (no phase yet)'],
]);

table('policy/v1', 'PodDisruptionBudget', [
  ['observed', { generation: 1, status: { observedGeneration: 1 } }, 'Current', 'has been computed'],
  ['new', { generation: 1 }, 'InProgress', 'has not been observed by its controller'],
]);

table('v1', 'Service', [
  ['of the cluster', { spec: { type: 'ClusterIP' } }, 'Current', 'exists'],
  [
    'with a load balancer, without an address',
    { spec: { type: 'LoadBalancer' } },
    'InProgress',
    'has no cluster IP yet',
  ],
  ['with a load balancer', { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.7' } }, 'Current', 'exists'],
]);

table('apiextensions.k8s.io/v1', 'CustomResourceDefinition', [
  ['new', {}, 'InProgress', 'is being installed'],
  [
    'established',
    { status: conditions(condition('NamesAccepted', 'True'), condition('Established', 'True')) },
    'Current',
    'is established',
  ],
  [
    'installing',
    { status: conditions(condition('Established', 'False', 'Installing')) },
    'InProgress',
    'is being installed',
  ],
  [
    'not established',
    { status: conditions(condition('Established', 'False', 'NotAccepted')) },
    'Failed',
    'is not established',
  ],
  [
    'with names that another has',
    { status: conditions(condition('NamesAccepted', 'False', 'ListKindConflict', '"List" is in use')) },
    'Failed',
    'has names that are not accepted: "List" is in use',
  ],
]);

table('v1', 'ConfigMap', [['any', {}, 'Current', 'exists']]);
table('v1', 'Secret', [['any', {}, 'Current', 'exists']]);
table('batch/v1', 'CronJob', [['any', {}, 'Current', 'exists']]);

table('example.org/v1', 'Database', [
  ['that says nothing of itself', { generation: 4 }, 'Current', 'exists'],
  ['ready', { status: conditions(condition('Ready', 'True')) }, 'Current', 'is ready'],
  [
    'not ready',
    { status: conditions(condition('Ready', 'False', 'Provisioning', 'creating disk')) },
    'InProgress',
    'is not ready: creating disk',
  ],
  [
    'of unknown readiness',
    { status: conditions(condition('Ready', 'Unknown')) },
    'InProgress',
    'is not ready',
  ],
  [
    'reconciling, though ready before',
    { status: conditions(condition('Ready', 'True'), condition('Reconciling', 'True', 'Upgrading')) },
    'InProgress',
    'is being reconciled',
  ],
  [
    'stalled',
    { status: conditions(condition('Stalled', 'True', 'QuotaExceeded', 'no room')) },
    'Failed',
    'is stalled: no room',
  ],
  ['no longer stalled', { status: conditions(condition('Stalled', 'False')) }, 'Current', 'exists'],
  [
    'whose controller has not begun: -1 is the default of its CRD',
    { generation: 1, status: { observedGeneration: -1 } },
    'InProgress',
    'is at generation 1, its status at -1',
  ],
  [
    'without observedGeneration',
    { generation: 7, status: conditions(condition('Ready', 'True')) },
    'Current',
    'is ready',
  ],
  [
    'with a status that is no status',
    { status: { conditions: 'none', observedGeneration: 'x' } },
    'Current',
    'exists',
  ],
  [
    'with conditions of no type',
    { status: { conditions: [null, 'x', { status: 'True' }] } },
    'Current',
    'exists',
  ],
]);

it('goes by group and kind: a Deployment of another group is like any object', () => {
  expect(objectStatusOf(objectOf('example.org/v1', 'Deployment', {})).status).toBe('Current');
});
