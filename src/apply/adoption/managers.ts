// Whose fields are taken over when an object is adopted. Only tools that a person runs and then has done with: what a
// controller holds stays its own, or the two would fight.
import { type ManagedFieldsEntry, RELEASED_FIELD_MANAGER } from '../../api/index.ts';

/**
 * - `whole`: a manifest that the node replaces. All of it becomes ours, and what the node does not state goes.
 * - `stated`: changes by hand, or of unknown origin. What the node states becomes ours; the rest stays as it is.
 * - `none`: somebody else's. It stays; what the node states is taken by force.
 */
export type Share = 'none' | 'stated' | 'whole';

/** Tools that send a manifest, by operation. */
const MANIFESTS: { readonly [operation in 'Apply' | 'Update']: ReadonlySet<string> } = {
  Apply: new Set(['helm', 'kubectl', 'kubectl-last-applied', RELEASED_FIELD_MANAGER]),
  Update: new Set([
    'helm',
    'kubectl',
    'kubectl-client-side-apply',
    'kubectl-create',
    'kubectl-expose',
    'kubectl-replace',
    'kubectl-run',
  ]),
};
/** The API server's name for whoever wrote before the first server-side apply. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/** What of an entry is taken over. Fields in terms of another API version can't be joined with ours, and stay. */
export function shareOf(entry: ManagedFieldsEntry, apiVersion: string): Share {
  const { manager = '', operation = 'Update' } = entry;
  if ((entry.subresource ?? '') !== '' || entry.apiVersion !== apiVersion) return 'none';
  if (MANIFESTS[operation].has(manager)) return 'whole';
  const isByHand = manager.startsWith('kubectl-') || manager === BEFORE_FIRST_APPLY;
  return isByHand && operation === 'Update' ? 'stated' : 'none';
}

/** `kubectl-client-side-apply (Update)`. */
export function describeManager({ manager = '', operation = 'Update' }: ManagedFieldsEntry): string {
  return `${manager} (${operation})`;
}
