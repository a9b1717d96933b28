// What the operator asked of the API server, from its audit log.
import {
  type AuditEntry,
  type AuditLog,
  type AuditMark,
  OPERATOR_USER,
} from '../../test/control-plane/index.ts';

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** The operator's writes in a namespace since a mark, in order; reviews, which store nothing, are not in a namespace. */
export async function writesSince(
  audit: AuditLog,
  mark: AuditMark,
  namespace: string,
): Promise<readonly AuditEntry[]> {
  const calls = await audit.callsSince(mark, { user: OPERATOR_USER, verbs: WRITES });
  return calls.filter((call) => call.namespace === namespace);
}

/** `patch configmaps/web`, with the subresource where there is one. */
export function describeCall({ verb, resource, name, subresource }: AuditEntry): string {
  return `${verb} ${resource}/${name ?? ''}${subresource === undefined ? '' : `/${subresource}`}`;
}
