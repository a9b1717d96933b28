// Whom a field conflict is with: nobody (what we released or kept), another graph, or somebody else.
import {
  describeIdentity,
  FIELD_MANAGER_PREFIX,
  GRAPH_LABEL,
  KEEP_FIELD_MANAGER,
  type KubeObject,
  type ObjectIdentity,
  RELEASED_FIELD_MANAGER,
} from '../api/index.ts';
import { ApplyConflictError } from '../errors.ts';

/** True for names under which fields are held for nobody in particular. */
export function isNobody(manager: string): boolean {
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

/** The field manager of another graph that applied this object; undefined where none did. */
export function otherGraphOf(live: KubeObject, manager: string): string | undefined {
  return live.metadata.managedFields?.find(
    (entry) =>
      entry.operation === 'Apply' &&
      (entry.subresource ?? '') === '' &&
      entry.manager !== manager &&
      isGraphManager(entry.manager ?? ''),
  )?.manager;
}

/** True where the conflict is about the label that says whose the object is: it is not taken from anybody. */
export function isAboutMembership(conflict: ApplyConflictError): boolean {
  return conflict.conflicts.some(({ field }) => field === `.metadata.labels.${GRAPH_LABEL}`);
}

/** Why an object can't be had: it is another graph's. */
export function claimedBy(identity: ObjectIdentity, manager: string): string {
  const other = manager.slice(FIELD_MANAGER_PREFIX.length);
  return `${describeIdentity(identity)} belongs to Transform ${other} (field manager ${manager}); an object can be in one Transform only`;
}
