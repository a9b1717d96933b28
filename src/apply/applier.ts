// Applies one object of a graph and says what came of it.
//
// Invariants kept here:
// - The first write to an object is an apply that can only create: it carries a resourceVersion that no object has, so
//   that the API server answers 201 or a conflict, and never touches what was there. Whatever carries our label and our
//   Apply entry was therefore created by us, however many answers were lost, unless the object itself says `found`.
//   A server that does not know that precondition answers 200: what it then holds counts as found.
// - An object that was there is recorded as found, with its uid, before the first write to it.
// - A later write carries the uid: a replaced object is noticed, never overwritten.
// - Every apply is first sent without force. Fields are forced only with the resourceVersion that was judged (judge.ts),
//   so that of two that race for an object the second is refused; what another graph applied is never forced.
// - With mode `Create` nothing is ever sent but the apply that can only create.
import type { KubeObject, ManagedFieldsEntry } from '../api/index.ts';
import { ApplyConflictError } from '../errors.ts';
import { isPreconditionFailed, retiredApiVersion, type TenantClient } from '../kube/index.ts';
import { claimOfAnother, isAboutMembership, nobodysOf } from './conflict.ts';
import { type DriftLook, type DriftQuestion, driftBetween, lookForDrift } from './drift.ts';
import { refusePointersIntoLists } from './ignored-fields.ts';
import { immutableFields } from './immutable.ts';
import { guardOf, judge, refuseAnothers, refuseTerminating } from './judge.ts';
import { claimedEntries, migratedEntries } from './managed-fields.ts';
import { replaceManagedFields } from './ownership-patch.ts';
import { Races } from './races.ts';
import { immutableError, recreate } from './recreate.ts';
import type { ApplyOutcome, ApplyRequest } from './request.ts';
import type { GraphOwner } from './stamp.ts';
import { leaveObject, readObject, type Writer, writeObject } from './write.ts';

/** How many refusals one after the other are answered. */
const MAX_LOOKS = 5;

/** How the next try is made. */
interface Try {
  readonly isLookFirst: boolean;
  /** The conflict that the look is to settle. */
  readonly conflict?: ApplyConflictError;
  /** The object has changed since the conflict: it may be over. */
  readonly isOutdated?: boolean;
  /** What we were told when another was faster than we: not a refusal, but nothing that helps either. */
  readonly lost?: unknown;
}

const LOOK_AGAIN: Try = { isLookFirst: true };

/** Applies objects of one graph as one tenant. */
export class ObjectApplier {
  readonly #writer: Writer;

  constructor(client: TenantClient, owner: GraphOwner) {
    this.#writer = { client, owner };
  }

  /**
   * @throws ApplyConflictError where others hold fields; WaitingError where the object is being deleted, by us or by
   * others; InvalidObjectError, ApiError and TransportError as the client raises them. After a TransportError the write
   * may have landed: the next request must look first.
   */
  async apply(wanted: ApplyRequest, signal: AbortSignal): Promise<ApplyOutcome> {
    const request = { ...wanted, recordFound: once(wanted.recordFound) };
    refusePointersIntoLists(request.stamped(request.entry.origin), request.ignoreFields);
    const hasIgnored = request.ignoreFields.length > 0 && request.entry.uid !== undefined;
    let next: Try = { isLookFirst: request.isLookFirst || hasIgnored };
    const races = new Races();
    for (let look = 1; ; ) {
      try {
        return await this.#try(request, next, signal);
      } catch (error) {
        if (look >= MAX_LOOKS) throw error;
        next = await this.#answer(request, next, error, signal);
        if (next.lost === undefined) look += 1;
        else await races.lost(next.lost, signal);
      }
    }
  }

  /** Finds out what a repair would put back. Nothing is written. @throws as the client does */
  async look(question: DriftQuestion, signal: AbortSignal): Promise<DriftLook> {
    return await lookForDrift(this.#writer, question, signal);
  }

  async #try(
    request: ApplyRequest,
    { isLookFirst, conflict }: Try,
    signal: AbortSignal,
  ): Promise<ApplyOutcome> {
    const { owner } = this.#writer;
    const live = isLookFirst ? await readObject(this.#writer, request, signal) : undefined;
    if (live !== undefined && request.policy.mode === 'Create') {
      refuseTerminating(live);
      refuseAnothers(live, request.entry, owner);
      return leaveObject(owner, request, live);
    }
    const guard = isLookFirst ? judge(request, live, owner, conflict) : guardOf(request.entry);
    if (guard.isFoundNow)
      await request.recordFound({ ...request.entry, origin: 'Found', uid: guard.uid ?? '' });
    const outcome = await writeObject(this.#writer, request, live, guard, signal);
    if (conflict !== undefined && guard.isForced)
      request.tell({ type: 'taken', conflicts: conflict.conflicts });
    return request.isRepair ? withDrift(request, live, outcome, owner) : outcome;
  }

  /** What a refusal is answered with. @throws the refusal, or what it means, where nothing answers it */
  async #answer(request: ApplyRequest, last: Try, error: unknown, signal: AbortSignal): Promise<Try> {
    if (error instanceof ApplyConflictError) return await this.#settle(request, last, error, signal);
    if (isPreconditionFailed(error)) {
      // Somebody else wrote between the look and our write; a conflict that was about to be settled mostly still is one.
      const { conflict } = last;
      const again = { ...LOOK_AGAIN, lost: error };
      return conflict === undefined ? again : { ...again, conflict, isOutdated: true };
    }
    const retired = retiredApiVersion(error);
    if (retired !== undefined) {
      const { apiVersion } = request.stamped(request.entry.origin);
      const migrate = (entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] | undefined =>
        migratedEntries(entries, retired, apiVersion);
      return await this.#rewrite(request, migrate, error, signal);
    }
    const fields = immutableFields(error);
    if (fields.length === 0) throw error;
    if (request.policy.recreate !== 'OnImmutable') throw immutableError(request, { fields, error });
    await recreate(this.#writer, request, { fields, error }, signal);
    return LOOK_AGAIN;
  }

  /**
   * Fields that only released entries hold are nobody's: they become ours. So do fields kept for others that the node
   * ignores no longer; those that it still ignores are not sent, and are kept anew. What somebody else holds is judged
   * once more, with the conflict at hand; what another graph holds, or marked, stays the conflict it is.
   */
  async #settle(
    request: ApplyRequest,
    last: Try,
    conflict: ApplyConflictError,
    signal: AbortSignal,
  ): Promise<Try> {
    // The field conflict of an apply that was to create only says that there is something to look at.
    if (!last.isLookFirst && request.entry.uid === undefined) return LOOK_AGAIN;
    const holders = nobodysOf(conflict);
    if (holders !== undefined) {
      const claim = (entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] | undefined =>
        claimedEntries(entries, holders, this.#writer.owner.manager);
      return await this.#rewrite(request, claim, conflict, signal);
    }
    const claim = claimOfAnother(conflict, request.entry);
    if (claim !== undefined) throw claim;
    if (last.isOutdated === true && conflict === last.conflict) return LOOK_AGAIN;
    // The look that was to settle a conflict has found that it can't be.
    if (last.conflict !== undefined || isAboutMembership(conflict)) throw conflict;
    return { isLookFirst: true, conflict };
  }

  /** Rewrites who owns which field, without a change of any value. @throws `error` where there is nothing to rewrite */
  async #rewrite(
    request: ApplyRequest,
    change: (entries: readonly ManagedFieldsEntry[]) => readonly ManagedFieldsEntry[] | undefined,
    error: unknown,
    signal: AbortSignal,
  ): Promise<Try> {
    const live = await readObject(this.#writer, request, signal);
    const entries = change(live?.metadata.managedFields ?? []);
    if (live === undefined || entries === undefined) throw error;
    try {
      await replaceManagedFields(this.#writer.client, request.resource, live, entries, [], signal);
    } catch (failure) {
      if (!isPreconditionFailed(failure)) throw failure;
      return { ...LOOK_AGAIN, lost: failure };
    }
    return LOOK_AGAIN;
  }
}

/** An apply that left the resourceVersion as it was found everything in place. */
function withDrift(
  request: ApplyRequest,
  live: KubeObject | undefined,
  outcome: ApplyOutcome,
  { manager }: GraphOwner,
): ApplyOutcome {
  const { object } = outcome;
  if (live !== undefined && live.metadata.resourceVersion === object.metadata.resourceVersion) return outcome;
  return { ...outcome, drift: driftBetween(request, live, object, manager) };
}

/** An object that is looked at several times is recorded once. */
function once(record: ApplyRequest['recordFound']): ApplyRequest['recordFound'] {
  const recorded = new Set<string | undefined>();
  return async (entry) => {
    if (recorded.has(entry.uid)) return;
    await record(entry);
    recorded.add(entry.uid);
  };
}
