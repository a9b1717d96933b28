// The operator's calls as the API server logged them: as itself and as the tenants that it impersonates.
import type { AuditEntry } from '../../test/control-plane/index.ts';

const WRITES: ReadonlySet<string> = new Set(['create', 'delete', 'deletecollection', 'patch', 'update']);
/** Created without anything being stored: questions about identity and rights. */
const REVIEWS: ReadonlySet<string | undefined> = new Set([
  'selfsubjectaccessreviews',
  'selfsubjectreviews',
  'selfsubjectrulesreviews',
]);

/** True where a call may store something. */
export function isWrite({ verb, resource }: AuditEntry): boolean {
  return WRITES.has(verb) && !REVIEWS.has(resource);
}

/** `patch configmaps 5, patch transforms/status 1`, most first. */
export function describeCalls(calls: readonly AuditEntry[]): string {
  const byKind = Map.groupBy(calls, nameOf);
  return [...byKind]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([name, these]) => `${name} ${these.length}`)
    .join(', ');
}

/** `patch transforms/status`. */
export function nameOf({ verb, resource, subresource, requestURI, code = 0 }: AuditEntry): string {
  const target = resource ?? requestURI.split('?')[0] ?? '';
  const part = subresource === undefined ? '' : `/${subresource}`;
  return `${verb} ${target}${part}${code >= 400 ? ` (${code})` : ''}`;
}
