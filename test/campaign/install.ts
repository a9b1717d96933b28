// The custom kind of the campaign's graphs, with the rights that an administrator gives for it.
import type { Kubectl } from '../control-plane/index.ts';
import { WIDGET_GROUP, WIDGETS } from './kinds.ts';

const RBAC = 'rbac.authorization.k8s.io';

export async function installWidgets(kubectl: Kubectl): Promise<void> {
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${WIDGET_GROUP}` },
    spec: {
      group: WIDGET_GROUP,
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
  const rules = (verbs: readonly string[]) => [{ apiGroups: [WIDGET_GROUP], resources: ['widgets'], verbs }];
  const role = (name: string, labels: Readonly<Record<string, string>>, verbs: readonly string[]) => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: { name, labels },
    rules: rules(verbs),
  });
  const items = [
    definition,
    role('campaign-watch', {}, ['list', 'watch']),
    role('campaign-edit', { [`${RBAC}/aggregate-to-edit`]: 'true' }, WIDGETS.verbs),
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'campaign-watch' },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'campaign-watch' },
      subjects: [{ kind: 'ServiceAccount', name: 'pequod', namespace: 'pequod-system' }],
    },
  ];
  await kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  );
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', `crd/widgets.${WIDGET_GROUP}`]);
}
