// Who of several operators wrote, in order, by the audit log: each has a token of its own.
import { isWrite } from '../../bench/support/calls.ts';
import { type AuditEntry, OPERATOR_USER } from '../../test/control-plane/index.ts';

/** One write that was stored. */
export interface Write {
  readonly by: string;
  readonly what: string;
  /** RFC 3339 with microseconds: when it came in, and when it was answered. */
  readonly from: string;
  readonly to: string;
}

/** What the operator stored, its Leases aside, in order. */
export function writesOf(entries: readonly AuditEntry[]): readonly Write[] {
  return entries
    .filter(isStored)
    .filter(({ resource = '' }) => resource !== 'leases' && resource !== 'events')
    .map(writeOf)
    .sort((a, b) => (a.from < b.from ? -1 : 1));
}

/** What the operator stored of its Leases, in order. */
export function leaseWritesOf(entries: readonly AuditEntry[]): readonly Write[] {
  return entries
    .filter((entry) => isStored(entry) && entry.resource === 'leases')
    .map(writeOf)
    .sort((a, b) => (a.to < b.to ? -1 : 1));
}

/** The writers in the order in which they wrote; one that writes again after another one is named again. */
export function turnsOf(writes: readonly Write[]): readonly string[] {
  return writes.map(({ by }) => by).filter((by, index, all) => by !== all[index - 1]);
}

/** Writes that came in, or were still under way, when another one had taken the Lease, in words. */
export function straysOf(entries: readonly AuditEntry[]): readonly string[] {
  const leases = leaseWritesOf(entries);
  return writesOf(entries).flatMap((write) => {
    const holder = leases.findLast(({ to }) => to <= write.from);
    const other = leases.find(({ by, from, to }) => by !== write.by && from > write.from && to < write.to);
    // What was before the first Lease write of these entries can't be told.
    const isOwn = holder === undefined || holder.by === write.by;
    if (isOwn && other === undefined) return [];
    return [`${write.from} ${write.what} by ${write.by}, lease of ${(other ?? holder)?.by}`];
  });
}

function isStored(entry: AuditEntry): boolean {
  const { code = 0, requestURI, stage, user } = entry;
  const isOver = stage === 'ResponseComplete' && code >= 200 && code < 300;
  return user === OPERATOR_USER && isOver && isWrite(entry) && !requestURI.includes('dryRun=All');
}

function writeOf(entry: AuditEntry): Write {
  const { credential = '', name = '', namespace = '', receivedAt, resource = '', stageAt, verb } = entry;
  return {
    by: credential,
    what: `${verb} ${resource} ${namespace}/${name}`,
    from: receivedAt,
    to: stageAt,
  };
}
