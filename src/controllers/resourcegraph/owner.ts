import { API_GROUP, type NamespacedName, RESOURCE_GRAPH_KIND } from '../../api/index.ts';
import { applySetId, fieldManagerOf, type GraphOwner } from '../../apply/index.ts';

/** The names under which the graph owns its objects; they depend on its own name alone. */
export function ownerOf(key: NamespacedName): GraphOwner {
  return {
    ...key,
    graphId: applySetId({ ...key, kind: RESOURCE_GRAPH_KIND, group: API_GROUP }),
    manager: fieldManagerOf(key),
  };
}
