// The kinds that a campaign has to do with: everything of these kinds in a namespace is compared.
import { namespaced } from '../../e2e/support/kinds.ts';
import {
  CONFIG_MAPS,
  RESOURCE_GRAPHS,
  type Resource,
  SECRETS,
  SERVICE_ACCOUNTS,
  TRANSFORMS,
} from '../../src/kube/index.ts';

/** Group of the custom kind that graphs of a campaign hold. */
export const WIDGET_GROUP = 'campaign.example.com';
export const WIDGETS: Resource = namespaced(WIDGET_GROUP, 'v1', 'Widget', 'widgets');
export const ROLE_BINDINGS: Resource = namespaced(
  'rbac.authorization.k8s.io',
  'v1',
  'RoleBinding',
  'rolebindings',
);

/** What graphs of a campaign may hold. */
const CHILD_KINDS: readonly Resource[] = [
  CONFIG_MAPS,
  SECRETS,
  SERVICE_ACCOUNTS,
  WIDGETS,
  namespaced('', 'v1', 'Service', 'services'),
  namespaced('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  namespaced('apps', 'v1', 'Deployment', 'deployments'),
  namespaced('apps', 'v1', 'StatefulSet', 'statefulsets'),
  namespaced('batch', 'v1', 'CronJob', 'cronjobs'),
  namespaced('networking.k8s.io', 'v1', 'Ingress', 'ingresses'),
  namespaced('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  namespaced('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
];

export const COMPARED_KINDS: readonly Resource[] = [
  ...CHILD_KINDS,
  ROLE_BINDINGS,
  TRANSFORMS,
  RESOURCE_GRAPHS,
];

/** @throws Error for a kind that no campaign has. */
export function resourceOf(kind: string): Resource {
  const found = COMPARED_KINDS.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`no campaign has objects of kind ${kind}`);
  return found;
}
