// What somebody changed in an object that we applied: the fields that our next apply owns again, and who holds them until
// then. A difference of values alone, in fields that are ours before and after, is nobody's doing: the API server's own
// defaults, or what admission makes of an apply.
import type { InventoryItem, KubeObject } from '../api/index.ts';
import { coOwners, ownedHash, ownedPathsHash, ownedPathsOf } from './fields/index.ts';
import type { ApplyRequest } from './request.ts';
import { readObject, type Writer } from './write.ts';

/** What was found changed in an object. */
export interface Drift {
  /** The object was gone, or another one stood in its place. */
  readonly isGone: boolean;
  /** As the API server names them; none where the object was gone. */
  readonly fields: readonly string[];
  /** Field managers that hold some of them; whoever removed a field is not known any more. */
  readonly managers: readonly string[];
}

/** What a look at an object came to. */
export interface DriftLook {
  /** Undefined where there is no such object. */
  readonly live: KubeObject | undefined;
  /** Undefined where an apply would change nothing. */
  readonly drift: Drift | undefined;
  /** The entry, with the hashes of what is there taken over where that is no drift. */
  readonly entry: InventoryItem;
}

const GONE: Drift = { isGone: true, fields: [], managers: [] };

/** What a look is about. */
export type DriftQuestion = Pick<ApplyRequest, 'entry' | 'ignoreFields' | 'resource' | 'stamped'>;

/**
 * What `after`, the answer to our apply, put back.
 * @param before the version that the apply was made over; undefined where there was no object
 */
export function driftBetween(
  { entry, ignoreFields, stamped }: Omit<DriftQuestion, 'resource'>,
  before: KubeObject | undefined,
  after: KubeObject,
  manager: string,
): Drift {
  if (before === undefined || before.metadata.uid !== entry.uid) return GONE;
  const kept = new Set(ownedPathsOf(before, manager, ignoreFields));
  const fields = ownedPathsOf(after, manager, ignoreFields).filter((path) => !kept.has(path));
  const lost = new Set(fields);
  const takers = coOwners(before, stamped(entry.origin), { manager, ignoreFields });
  const managers = takers.filter(({ paths }) => paths.some((path) => lost.has(path)));
  return { isGone: false, fields, managers: [...new Set(managers.map((taker) => taker.manager))] };
}

/** Finds out what a repair would put back, without writing. @throws as the client does */
export async function lookForDrift(
  writer: Writer,
  question: DriftQuestion,
  signal: AbortSignal,
): Promise<DriftLook> {
  const { entry, ignoreFields, resource, stamped } = question;
  const { manager } = writer.owner;
  const live = await readObject(writer, question, signal);
  if (live === undefined || live.metadata.uid !== entry.uid) return { live, drift: GONE, entry };
  const options = { fieldManager: manager, uid: entry.uid, force: true, dryRun: true };
  const { object } = await writer.client.apply(resource, stamped(entry.origin), options, signal);
  const owned = ownedHash(live, manager, ignoreFields);
  if (owned !== undefined && owned === ownedHash(object, manager, ignoreFields)) {
    const ownedPaths = ownedPathsHash(ownedPathsOf(live, manager, ignoreFields));
    return { live, drift: undefined, entry: { ...entry, owned, ownedPaths } };
  }
  return { live, drift: driftBetween(question, live, object, manager), entry };
}
