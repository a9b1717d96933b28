// What an apply would do to an object that is there: the verdicts of the applier itself, with dry-runs in place of its
// writes.
//
// Invariant: nothing is written. Every call carries `dryRun`, and the uid of the version that was judged.
import type { KubeObject } from '../api/index.ts';
import { ApplyConflictError } from '../errors.ts';
import { getPointer, removePointer, setPointer } from '../json/index.ts';
import { claimOfAnother, isAboutMembership, nobodysOf } from './conflict.ts';
import { refusePointersIntoLists } from './ignored-fields.ts';
import { immutableFields } from './immutable.ts';
import { type Guard, judge, refuseAnothers, refuseTerminating } from './judge.ts';
import { immutableError, requireRecreatable } from './recreate.ts';
import type { ApplyRequest } from './request.ts';
import type { Writer } from './write.ts';

/** What a preview needs to know of a request. */
export type PreviewRequest = Pick<
  ApplyRequest,
  'entry' | 'ignoreFields' | 'isRepair' | 'policy' | 'resource' | 'stamped'
>;

export type ApplyPreview =
  /** It is there, and with mode `Create` that is all. */
  | { readonly type: 'leave' }
  | {
      readonly type: 'write';
      /** As it would be. */
      readonly object: KubeObject;
      /** It was there before the graph, and is shared from then on. */
      readonly isFoundNow: boolean;
      /** Whose fields would be taken. */
      readonly takenFrom: readonly string[];
    }
  /** It would be deleted and made anew, because these fields can't be changed. */
  | { readonly type: 'recreate'; readonly fields: readonly string[] };

/**
 * Finds out what applying the request to `live` would do.
 * @throws what `ObjectApplier.apply` would end with
 */
export async function previewApply(
  writer: Writer,
  request: PreviewRequest,
  live: KubeObject,
  signal: AbortSignal,
): Promise<ApplyPreview> {
  refusePointersIntoLists(request.stamped(request.entry.origin), request.ignoreFields);
  refusePointersIntoLists(live, request.ignoreFields);
  if (request.policy.mode === 'Create') {
    refuseTerminating(live);
    refuseAnothers(live, request.entry, writer.owner);
    return { type: 'leave' };
  }
  const guard = judge(request, live, writer.owner);
  try {
    return await previewWrite(writer, request, live, guard, signal);
  } catch (error) {
    const fields = immutableFields(error);
    if (fields.length === 0) throw error;
    if (request.policy.recreate !== 'OnImmutable') throw immutableError(request, { fields, error });
    await requireRecreatable(writer, request, live, { fields, error }, signal);
    return { type: 'recreate', fields };
  }
}

async function previewWrite(
  { client, owner }: Writer,
  request: PreviewRequest,
  live: KubeObject,
  guard: Guard,
  signal: AbortSignal,
): Promise<ApplyPreview> {
  const { resource, stamped, ignoreFields } = request;
  const body = withLiveValues(stamped(guard.origin), live, ignoreFields);
  const options = { fieldManager: owner.manager, uid: guard.uid, dryRun: true };
  const { isFoundNow } = guard;
  try {
    const { object } = await client.apply(resource, body, { ...options, force: guard.isForced }, signal);
    return { type: 'write', object, isFoundNow, takenFrom: [] };
  } catch (error) {
    if (!(error instanceof ApplyConflictError)) throw error;
    refuseUnsettled(request, live, error, { client, owner });
    const { object } = await client.apply(resource, body, { ...options, force: true }, signal);
    const takenFrom = [...new Set(error.conflicts.map(({ manager }) => manager))];
    return { type: 'write', object, isFoundNow, takenFrom };
  }
}

/** @throws the conflict, or what it means, where the applier would not take the fields */
function refuseUnsettled(
  request: PreviewRequest,
  live: KubeObject,
  conflict: ApplyConflictError,
  { owner }: Writer,
): void {
  if (nobodysOf(conflict) !== undefined) return;
  const claim = claimOfAnother(conflict, request.entry);
  if (claim !== undefined) throw claim;
  if (isAboutMembership(conflict)) throw conflict;
  judge(request, live, owner, conflict);
}

/** Ignored fields as they are: whoever has them, they don't change. */
function withLiveValues(sent: KubeObject, live: KubeObject, pointers: readonly string[]): KubeObject {
  return pointers.reduce<KubeObject>((body, pointer) => {
    const value = getPointer(live, pointer);
    return value === undefined ? removePointer(body, pointer) : setPointer(body, pointer, value);
  }, sent);
}
