// Namespaces as a tenant gets them: with a ServiceAccount that may edit in them, and with what the controllers put into
// every namespace already there, so that none of it falls into a measurement.
import { setTimeout as delay } from 'node:timers/promises';
import {
  CONFIG_MAPS,
  isNotFound,
  NAMESPACES,
  type OperatorClient,
  type Resource,
  SERVICE_ACCOUNTS,
} from '../../src/kube/index.ts';

/** The ServiceAccount that Transforms act as. */
export const TENANT = 'deployer';

const POLL_MS = 50;
const GROUP = 'rbac.authorization.k8s.io';
const ROLE_BINDINGS: Resource = {
  group: GROUP,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  verbs: ['create'],
};

export async function createNamespaces(
  admin: OperatorClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(names.map((name) => createNamespace(admin, name, signal)));
}

async function createNamespace(admin: OperatorClient, namespace: string, signal: AbortSignal): Promise<void> {
  await admin.create(
    NAMESPACES,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {},
    signal,
  );
  const metadata = { name: TENANT, namespace };
  await admin.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, {}, signal);
  const binding = {
    apiVersion: `${GROUP}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: TENANT, namespace }],
  };
  await admin.create(ROLE_BINDINGS, binding, {}, signal);
  await untilFound(admin, SERVICE_ACCOUNTS, { namespace, name: 'default' }, signal);
  await untilFound(admin, CONFIG_MAPS, { namespace, name: 'kube-root-ca.crt' }, signal);
}

async function untilFound(
  admin: OperatorClient,
  resource: Resource,
  key: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await admin.get(resource, key, signal);
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}
