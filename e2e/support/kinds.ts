// The kinds that stories speak of, by name.
import {
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  RESOURCE_GRAPHS,
  type Resource,
  SECRETS,
  SERVICE_ACCOUNTS,
  TRANSFORMS,
} from '../../src/kube/index.ts';

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** A namespaced kind with the usual verbs. */
export function namespaced(group: string, version: string, kind: string, plural: string): Resource {
  return { group, version, kind, plural, namespaced: true, verbs: VERBS };
}

export type Kind =
  | 'ConfigMap'
  | 'ControllerRevision'
  | 'Deployment'
  | 'HorizontalPodAutoscaler'
  | 'Job'
  | 'PersistentVolumeClaim'
  | 'Pod'
  | 'ResourceGraph'
  | 'RoleBinding'
  | 'Secret'
  | 'Service'
  | 'ServiceAccount'
  | 'StatefulSet'
  | 'Transform';

export const KINDS: Readonly<Record<Kind, Resource>> = {
  ConfigMap: CONFIG_MAPS,
  ControllerRevision: CONTROLLER_REVISIONS,
  Deployment: namespaced('apps', 'v1', 'Deployment', 'deployments'),
  HorizontalPodAutoscaler: namespaced(
    'autoscaling',
    'v2',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
  ),
  Job: namespaced('batch', 'v1', 'Job', 'jobs'),
  PersistentVolumeClaim: namespaced('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  Pod: namespaced('', 'v1', 'Pod', 'pods'),
  ResourceGraph: RESOURCE_GRAPHS,
  RoleBinding: namespaced('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'),
  Secret: SECRETS,
  Service: namespaced('', 'v1', 'Service', 'services'),
  ServiceAccount: SERVICE_ACCOUNTS,
  StatefulSet: namespaced('apps', 'v1', 'StatefulSet', 'statefulsets'),
  Transform: TRANSFORMS,
};
