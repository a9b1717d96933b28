import type { KubeObject, ManagedFieldsEntry } from '../api/index.ts';
import type { JsonPatchOperation, Resource, TenantClient } from '../kube/index.ts';

/**
 * Replaces an object's field ownership, and carries out further operations, in one JSON patch that holds only for the
 * version that was read: a stale one is answered with 409 and nothing is changed.
 */
export async function replaceManagedFields(
  client: TenantClient,
  resource: Resource,
  live: KubeObject,
  entries: readonly ManagedFieldsEntry[],
  operations: readonly JsonPatchOperation[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { name, namespace, uid, resourceVersion } = live.metadata;
  return await client.jsonPatch(
    resource,
    { ...(namespace === undefined ? {} : { namespace }), name },
    [
      { op: 'test', path: '/metadata/uid', value: uid ?? '' },
      ...operations,
      { op: 'replace', path: '/metadata/managedFields', value: [...entries] },
      { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion ?? '' },
    ],
    {},
    signal,
  );
}
