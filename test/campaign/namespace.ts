// A namespace as a base needs it: with the Transform's ServiceAccount and its rights, and what it refers to.
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/json/index.ts';
import { NAMESPACES, type OperatorClient } from '../../src/kube/index.ts';
import type { Base } from './bases.ts';
import { World } from './world.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** What has to be known of a base to make it. */
export type Ground = Pick<Base, 'name' | 'spec' | 'objects' | 'found'>;

/** What users keep beside the Transform, and put back. */
function keptObjects(base: Ground, namespace: string): readonly JsonObject[] {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'deployer' } };
  const binding = {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'deployer' },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace }],
  };
  return [account, binding, ...(base.objects ?? [])];
}

export async function openNamespace(
  admin: OperatorClient,
  base: Ground,
  signal: AbortSignal,
): Promise<World> {
  const name = `campaign-${base.name}-${randomUUID().slice(0, 8)}`;
  await admin.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, {}, signal);
  const world = new World(name, admin, signal);
  for (const object of base.found ?? []) await world.create(object, 'kubectl-create');
  await restoreObjects(world, base);
  await world.ensureSpec(base.spec);
  return world;
}

export async function restoreObjects(world: World, base: Ground): Promise<void> {
  for (const object of keptObjects(base, world.namespace)) await world.put(object);
}

export async function closeNamespace({ admin, namespace }: World, signal: AbortSignal): Promise<void> {
  await admin.delete(NAMESPACES, { name: namespace }, { propagationPolicy: 'Background' }, signal);
}
