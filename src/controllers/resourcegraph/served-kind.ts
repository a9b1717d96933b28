// Where the API server serves a kind when the version in hand is not certain: an inventory entry may be older than the
// cluster, and a kind without a version need not be in its group's preferred one. An object is the same in all versions.
import { type GroupVersionKind, gvkOf } from '../../api/index.ts';
import type { Resource, RestMapper } from '../../kube/index.ts';

/**
 * The kind in its own version where that is served, else in any other; undefined where its group does not serve it.
 * @throws ApiError or TransportError where discovery fails and the kind is not known.
 */
export async function resolveInAnyVersion(
  mapper: RestMapper,
  kind: GroupVersionKind,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const resource = await mapper.resolve(kind, signal);
  if (resource !== undefined) return resource;
  for (const apiVersion of await mapper.apiVersions(signal)) {
    const candidate = gvkOf({ apiVersion, kind: kind.kind });
    const other = candidate.group === kind.group ? mapper.peek(candidate) : undefined;
    if (other !== undefined) return other;
  }
  return undefined;
}
