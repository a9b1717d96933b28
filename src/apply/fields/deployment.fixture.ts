import type { KubeObject } from '../../api/index.ts';
import type { JsonObject } from '../../json/index.ts';

/** Field manager of the graph that applied the fixture. */
export const MANAGER = 'pequod/shop/web';

/** What was sent for {@link liveDeployment}: as modules write it, without what the API server fills in. */
export const SENT_DEPLOYMENT: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { app: 'web', 'pequod.io/graph': 'applyset-x-v1' },
    annotations: { 'pequod.io/node': 'app' },
  },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'nginx:1.27',
            ports: [{ containerPort: 8080, name: 'http' }],
            resources: { requests: { cpu: '100m', memory: '64Mi' } },
            volumeMounts: [{ mountPath: '/tmp', name: 'tmp' }],
            env: [{ name: 'MODE', value: 'production' }],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    },
  },
};

const CONTAINER_FIELDS: JsonObject = {
  '.': {},
  'f:env': { 'k:{"name":"MODE"}': { '.': {}, 'f:name': {}, 'f:value': {} } },
  'f:image': {},
  'f:name': {},
  'f:ports': {
    'k:{"containerPort":8080,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:name': {} },
  },
  'f:resources': { 'f:requests': { 'f:cpu': {}, 'f:memory': {} } },
  'f:volumeMounts': { 'k:{"mountPath":"/tmp"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} } },
};

/** The fields that our Apply entry owns. */
export const OUR_FIELDS: JsonObject = {
  'f:metadata': {
    'f:annotations': { 'f:pequod.io/node': {} },
    'f:labels': { 'f:app': {}, 'f:pequod.io/graph': {} },
  },
  'f:spec': {
    'f:replicas': {},
    'f:selector': {},
    'f:template': {
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:spec': {
        'f:containers': { 'k:{"name":"web"}': CONTAINER_FIELDS },
        'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
      },
    },
  },
};

/** The object as the API server holds it: with defaults, status and the entries of controllers. */
export function liveDeployment(): KubeObject {
  const live: KubeObject = JSON.parse(JSON.stringify(SENT_DEPLOYMENT));
  return {
    ...live,
    metadata: {
      ...live.metadata,
      uid: '5b1e6a1c-7a5e-4c11-9a37-0a8f5a0f7f51',
      resourceVersion: '81234',
      generation: 2,
      creationTimestamp: '2026-03-01T10:00:00Z',
      annotations: { 'pequod.io/node': 'app', 'deployment.kubernetes.io/revision': '1' },
      managedFields: [
        {
          manager: MANAGER,
          operation: 'Apply',
          apiVersion: 'apps/v1',
          time: '2026-03-01T10:00:00Z',
          fieldsV1: OUR_FIELDS,
        },
        {
          manager: 'kube-controller-manager',
          operation: 'Update',
          apiVersion: 'apps/v1',
          time: '2026-03-01T10:00:00Z',
          subresource: 'status',
          fieldsV1: {
            'f:metadata': { 'f:annotations': { '.': {}, 'f:deployment.kubernetes.io/revision': {} } },
            'f:status': { 'f:availableReplicas': {}, 'f:observedGeneration': {}, 'f:replicas': {} },
          },
        },
      ],
    },
    spec: {
      replicas: 3,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'nginx:1.27',
              imagePullPolicy: 'IfNotPresent',
              ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
              resources: { requests: { cpu: '100m', memory: '64Mi' } },
              volumeMounts: [{ mountPath: '/tmp', name: 'tmp' }],
              env: [{ name: 'MODE', value: 'production' }],
              terminationMessagePath: '/dev/termination-log',
            },
          ],
          restartPolicy: 'Always',
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
    },
    status: {
      observedGeneration: 2,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
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
    },
  };
}
