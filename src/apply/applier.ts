// Applies one object of a graph and says what came of it.
//
// Invariants kept here:
// - The first write to an object is an apply that can only create: it carries a resourceVersion that no object has, so
//   that the API server answers 201 or a conflict, and never touches what was there. Whatever carries our label and our
//   Apply entry was therefore created by us, however many answers were lost, unless the object itself says `found`.
//   A server that does not know that precondition answers 200: what it then holds counts as found.
// - An object that was there is recorded as found, with its uid, before the first write to it.
// - A later write carries the uid: a replaced object is noticed, never overwritten.
// - Fields are forced only in a repair, only with the resourceVersion that was judged, and only if every manager that
//   has them took them by an Update. Another Apply manager is a conflict that people resolve.
import type { KubeObject } from '../api/index.ts';
import { ApplyConflictError } from '../errors.ts';
import { isNotFound, isPreconditionFailed, type TenantClient } from '../kube/index.ts';
import { claimOfAnother, nobodysOf } from './conflict.ts';
import { refusePointersIntoLists } from './ignored-fields.ts';
import { guardOf, judge } from './judge.ts';
import { claimedEntries } from './managed-fields.ts';
import { objectKeyOf } from './object-key.ts';
import { replaceManagedFields } from './ownership-patch.ts';
import type { ApplyOutcome, ApplyRequest } from './request.ts';
import type { GraphOwner } from './stamp.ts';
import { type Writer, writeObject } from './write.ts';

/** How often an object that changes under our hands is looked at before the node is put off. */
const MAX_LOOKS = 4;

/** Applies objects of one graph as one tenant. */
export class ObjectApplier {
  readonly #writer: Writer;

  constructor(client: TenantClient, owner: GraphOwner) {
    this.#writer = { client, owner };
  }

  /**
   * @throws ApplyConflictError where others hold fields; WaitingError where the object is being deleted;
   * InvalidObjectError, ApiError and TransportError as the client raises them. After a TransportError the write may
   * have landed: the next request must look first.
   */
  async apply(request: ApplyRequest, signal: AbortSignal): Promise<ApplyOutcome> {
    refusePointersIntoLists(request.stamped(request.entry.origin), request.ignoreFields);
    const hasIgnored = request.ignoreFields.length > 0 && request.entry.uid !== undefined;
    let isLookFirst = request.isLookFirst || hasIgnored;
    for (let look = 0; ; look += 1) {
      try {
        const live = isLookFirst ? await this.#read(request, signal) : undefined;
        const guard = isLookFirst ? judge(request, live, this.#writer.owner) : guardOf(request.entry);
        if (guard.isFoundNow)
          await request.recordFound({ ...request.entry, origin: 'Found', uid: guard.uid ?? '' });
        return await writeObject(this.#writer, request, live, guard, signal);
      } catch (error) {
        if (look + 1 >= MAX_LOOKS) throw error;
        if (error instanceof ApplyConflictError) {
          // The field conflict of an apply that was to create only says that there is something to look at.
          if (isLookFirst || request.entry.uid !== undefined)
            await this.#claimReleased(request, error, signal);
        } else if (!isPreconditionFailed(error)) throw error;
        isLookFirst = true;
      }
    }
  }

  async #read(request: ApplyRequest, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#writer.client.get(request.resource, objectKeyOf(request.entry), signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Fields that only released entries hold are nobody's: they become ours. So do fields kept for others that the node
   * ignores no longer; those that it still ignores are not sent, and are kept anew. Anything else stays the conflict it is.
   */
  async #claimReleased(
    request: ApplyRequest,
    conflict: ApplyConflictError,
    signal: AbortSignal,
  ): Promise<void> {
    const holders = nobodysOf(conflict);
    if (holders === undefined) throw claimOfAnother(conflict, request.entry) ?? conflict;
    const live = await this.#read(request, signal);
    const entries = claimedEntries(live?.metadata.managedFields ?? [], holders, this.#writer.owner.manager);
    if (live === undefined || entries === undefined) throw conflict;
    await replaceManagedFields(this.#writer.client, request.resource, live, entries, [], signal);
  }
}
