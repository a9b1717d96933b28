import type { NamespacedName } from '../../api/index.ts';
import { fieldManagerOf, type GraphOwner } from '../../apply/index.ts';
import { applySetId } from '../../graph/index.ts';

/** The names under which the graph owns its objects; they depend on its own name alone. */
export function ownerOf(key: NamespacedName): GraphOwner {
  return {
    ...key,
    graphId: applySetId(key),
    manager: fieldManagerOf(key),
  };
}
