// Whom a field conflict is with: nobody (what we released or kept), another graph, or somebody else.
import {
  describeIdentity,
  FIELD_MANAGER_PREFIX,
  KEEP_FIELD_MANAGER,
  type ObjectIdentity,
  RELEASED_FIELD_MANAGER,
} from '../api/index.ts';
import { ApplyConflictError } from '../errors.ts';

/** True for names under which fields are held for nobody in particular. */
function isNobody(manager: string): boolean {
  return manager === RELEASED_FIELD_MANAGER || manager === KEEP_FIELD_MANAGER;
}

/** True for the field manager of a graph, ours or another. */
export function isGraphManager(manager: string): boolean {
  return manager.startsWith(FIELD_MANAGER_PREFIX) && manager !== KEEP_FIELD_MANAGER;
}

/** The managers that a conflict names, if all of them are nobody; undefined where somebody holds a field. */
export function nobodysOf(conflict: ApplyConflictError): readonly string[] | undefined {
  const holders = [...new Set(conflict.conflicts.map(({ manager }) => manager))];
  return holders.every(isNobody) ? holders : undefined;
}

/** The conflict with another graph, in words about Transforms instead of labels; undefined where there is none. */
export function claimOfAnother(
  conflict: ApplyConflictError,
  identity: ObjectIdentity,
): ApplyConflictError | undefined {
  const claim = conflict.conflicts.find(({ manager }) => isGraphManager(manager));
  if (claim === undefined) return undefined;
  return new ApplyConflictError(claimedBy(identity, claim.manager), conflict.conflicts, conflict);
}

/** Why an object can't be had: it is another graph's. */
export function claimedBy(identity: ObjectIdentity, manager: string): string {
  const other = manager.slice(FIELD_MANAGER_PREFIX.length);
  return `${describeIdentity(identity)} belongs to Transform ${other} (field manager ${manager}); an object can be in one Transform only`;
}
