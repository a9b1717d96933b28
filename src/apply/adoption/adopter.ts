// Takes over an object that is there: from then on it is one of the graph's, as if the graph had created it.
//
// Invariants kept here:
// - Looking writes nothing: the node's object is tried by dry-run first, so that what can't be applied is not begun.
// - The inventory names the object, with its uid, before the first write to it.
// - Every write carries uid and resourceVersion of the version that was judged.
// - Until our apply has marked the object it is not ours: a deletion in between leaves it (see removal.ts). Doing all of
//   it again does no harm.
// - Another graph's object is never taken.
import type { InventoryItem, KubeObject } from '../../api/index.ts';
import { ApplyConflictError, type FieldConflict, INVALID_RETRY_MS, PequodError } from '../../errors.ts';
import { removePointer } from '../../json/index.ts';
import { isNotFound, isPreconditionFailed, type TenantClient } from '../../kube/index.ts';
import type { ObjectApplier } from '../applier.ts';
import { claimedBy } from '../conflict.ts';
import { refusePointersIntoLists } from '../ignored-fields.ts';
import { refuseTerminating } from '../judge.ts';
import { objectKeyOf } from '../object-key.ts';
import { replaceManagedFields } from '../ownership-patch.ts';
import { Races } from '../races.ts';
import type { ApplyOutcome, ApplyRequest } from '../request.ts';
import type { GraphOwner } from '../stamp.ts';
import { type Writer, writeObject } from '../write.ts';
import { droppedBy, previewAdoption, previousManagersOf } from './preview.ts';
import { takeoverOf } from './takeover.ts';

/** What a look needs to know of a request. */
export type AdoptionRequest = Pick<ApplyRequest, 'entry' | 'ignoreFields' | 'resource' | 'stamped'>;

/** What may be adopted. */
export interface AdoptionCandidate {
  /** To be in the inventory before {@link ObjectAdopter.adopt}. */
  readonly entry: InventoryItem;
  readonly previousManagers: readonly string[];
  /** A graph had it and let it go: who had it before that is not to be seen any more. */
  readonly wasReleased: boolean;
  /** The object as it was looked at, and as it would be but for what is {@link dropped}. */
  readonly live: KubeObject;
  readonly applied: KubeObject;
  /** Fields that go with the takeover, as the API server names them. */
  readonly dropped: readonly string[];
}

/** Adopts objects for one graph as one tenant. */
export class ObjectAdopter {
  readonly #writer: Writer;
  readonly #applier: ObjectApplier;

  constructor(client: TenantClient, owner: GraphOwner, applier: ObjectApplier) {
    this.#writer = { client, owner };
    this.#applier = applier;
  }

  /**
   * Whether there is an object to adopt, and who holds it. Writes nothing.
   * @returns undefined where there is none, or where it is ours already
   * @throws PequodError (`ADOPTION_REFUSED`) for another graph's object; WaitingError for one that is being deleted;
   * InvalidObjectError where the node's object could not be applied to it.
   */
  async look(request: AdoptionRequest, signal: AbortSignal): Promise<AdoptionCandidate | undefined> {
    const live = await this.#read(request, signal);
    if (live === undefined) return undefined;
    const { owner } = this.#writer;
    const preview = previewAdoption(live, request.stamped('Adopted'), owner);
    refuseForeign(request.entry, preview.ownedBy);
    if (preview.isOurs) return undefined;
    refuseTerminating(live);
    const { applied, conflicts } = await this.#tryOut(request, live, signal);
    return {
      entry: intentOf(request.entry, live),
      previousManagers: previousManagersOf(preview, conflicts),
      wasReleased: preview.wasReleased,
      live,
      applied,
      dropped: droppedBy(preview),
    };
  }

  /**
   * Takes the object of a recorded entry over. One that another has replaced meanwhile is recorded anew, one that is
   * gone is created.
   * @param request its `recordFound` stores what the entry becomes before anything is written
   * @throws as {@link look} and `ObjectApplier.apply`
   */
  async adopt(request: ApplyRequest, signal: AbortSignal): Promise<ApplyOutcome> {
    refusePointersIntoLists(request.stamped('Adopted'), request.ignoreFields);
    const races = new Races();
    let { entry } = request;
    for (;;) {
      try {
        const live = await this.#read(request, signal);
        if (live === undefined) return await this.#applier.apply({ ...request, isLookFirst: true }, signal);
        const preview = previewAdoption(live, request.stamped('Adopted'), this.#writer.owner);
        refuseForeign(entry, preview.ownedBy);
        refuseTerminating(live);
        if (live.metadata.uid !== entry.uid) {
          entry = intentOf(entry, live);
          await request.recordFound(entry);
        }
        const isMarked = preview.isOurs;
        const outcome = isMarked
          ? await this.#applier.apply({ ...request, entry, isLookFirst: true }, signal)
          : await this.#takeOver({ ...request, entry }, live, signal);
        return await this.#takeRest(request, outcome, signal);
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
        await races.lost(error, signal);
      }
    }
  }

  async #read(request: AdoptionRequest, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#writer.client.get(request.resource, objectKeyOf(request.entry), signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Applies by dry-run. `conflicts` says which fields of others have other values. */
  async #tryOut(
    request: AdoptionRequest,
    live: KubeObject,
    signal: AbortSignal,
  ): Promise<{ readonly applied: KubeObject; readonly conflicts: readonly FieldConflict[] }> {
    const { client, owner } = this.#writer;
    const body = request.ignoreFields.reduce<KubeObject>(removePointer, request.stamped('Adopted'));
    const options = { fieldManager: owner.manager, uid: live.metadata.uid, dryRun: true };
    try {
      const answer = await client.apply(request.resource, body, options, signal);
      return { applied: answer.object, conflicts: [] };
    } catch (error) {
      if (!(error instanceof ApplyConflictError)) throw error;
      const answer = await client.apply(request.resource, body, { ...options, force: true }, signal);
      return { applied: answer.object, conflicts: error.conflicts };
    }
  }

  async #takeOver(request: ApplyRequest, live: KubeObject, signal: AbortSignal): Promise<ApplyOutcome> {
    const judged = await this.#rewrite(request, live, signal);
    const { uid, resourceVersion } = judged.metadata;
    const guard = {
      origin: 'Adopted',
      uid,
      resourceVersion,
      isForced: true,
      isFoundNow: false,
    } as const;
    return await writeObject(this.#writer, request, judged, guard, signal);
  }

  /** An object from before there were field managers gets its first entries by our apply. */
  async #takeRest(
    request: ApplyRequest,
    { entry, object }: ApplyOutcome,
    signal: AbortSignal,
  ): Promise<ApplyOutcome> {
    return { entry, object: await this.#rewrite(request, object, signal), isWritten: true };
  }

  async #rewrite(request: ApplyRequest, live: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const { client, owner } = this.#writer;
    const takeover = takeoverOf(live, request.stamped('Adopted'), owner.manager);
    if (takeover === undefined) return live;
    const { entries, operations } = takeover;
    return await replaceManagedFields(client, request.resource, live, entries, operations, signal);
  }
}

/** The intent to adopt this very object. */
function intentOf(entry: InventoryItem, live: KubeObject): InventoryItem {
  const { sent: _sent, owned: _owned, ownedPaths: _ownedPaths, rebuilt: _rebuilt, ...kept } = entry;
  return { ...kept, origin: 'Adopted', uid: live.metadata.uid ?? '' };
}

function refuseForeign(entry: InventoryItem, ownedBy: string | undefined): void {
  if (ownedBy === undefined) return;
  throw new PequodError(claimedBy(entry, `pequod/${ownedBy}`), {
    code: 'ADOPTION_REFUSED',
    reason: 'AdoptionRefused',
    retry: { afterMs: INVALID_RETRY_MS },
  });
}
