import { createHash } from 'node:crypto';
import { API_GROUP, type NamespacedName, RESOURCE_GRAPH_KIND } from '../api/index.ts';

/** The ApplySet id of a ResourceGraph, exactly as KEP-3659 computes it: tools find the set's members by it. */
export function applySetId({ namespace, name }: NamespacedName): string {
  const parent = `${name}.${namespace}.${RESOURCE_GRAPH_KIND}.${API_GROUP}`;
  return `applyset-${createHash('sha256').update(parent).digest('base64url')}-v1`;
}
