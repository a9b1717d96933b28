// One guarded apply of one object, with the fields that are left to others around it.
import type { InventoryItem, KubeObject, Origin } from '../api/index.ts';
import { isNotFound, type TenantClient } from '../kube/index.ts';
import { isOurs, ownedHash, ownedPathsHash, ownedPathsOf } from './fields/index.ts';
import { type IgnoredFields, prepareIgnoredFields } from './ignored-fields.ts';
import type { Guard } from './judge.ts';
import { objectKeyOf } from './object-key.ts';
import { originOf, originOfKnown } from './origin.ts';
import type { ApplyOutcome, ApplyRequest } from './request.ts';
import { type GraphOwner, sentHash } from './stamp.ts';

/** No object has it: etcd counts from 2. An apply that carries it creates, or is a conflict. */
const NO_VERSION = '1';

/** As whom objects are written. */
export interface Writer {
  readonly client: TenantClient;
  readonly owner: GraphOwner;
}

/** The object as it is now; undefined where there is none. */
export async function readObject(
  { client }: Writer,
  { resource, entry }: Pick<ApplyRequest, 'entry' | 'resource'>,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await client.get(resource, objectKeyOf(entry), signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Sends the apply that `guard` allows. @param live the version that was judged; undefined where none was read */
export async function writeObject(
  { client, owner }: Writer,
  request: ApplyRequest,
  live: KubeObject | undefined,
  guard: Guard,
  signal: AbortSignal,
): Promise<ApplyOutcome> {
  const ignoredIn = (object: KubeObject | undefined): Promise<IgnoredFields> => {
    const { resource, ignoreFields } = request;
    return prepareIgnoredFields(
      client,
      { resource, ignoreFields, manager: owner.manager, live: object },
      signal,
    );
  };
  const ignored = await ignoredIn(live);
  const answer = await client.apply(
    request.resource,
    ignored.without(request.stamped(guard.origin)),
    {
      fieldManager: owner.manager,
      force: guard.isForced,
      uid: guard.uid,
      resourceVersion: guard.uid === undefined ? NO_VERSION : forcedVersion(guard, ignored),
    },
    signal,
  );
  const kept = await ignoredIn(answer.object);
  const wasThere = guard.uid === undefined && !answer.isCreated;
  return outcomeOf(
    owner,
    request,
    wasThere ? 'Found' : guard.origin,
    guard,
    kept.keptObject ?? answer.object,
  );
}

function forcedVersion(guard: Guard, ignored: IgnoredFields): string | undefined {
  return guard.isForced ? (ignored.keptObject?.metadata.resourceVersion ?? guard.resourceVersion) : undefined;
}

/**
 * The outcome for an object that was there and is left as it is. Where it is not ours, no hash of what we sent or own is
 * recorded: we never did.
 */
export function leaveObject(owner: GraphOwner, request: ApplyRequest, live: KubeObject): ApplyOutcome {
  const { sent: _sent, owned: _owned, ownedPaths: _ownedPaths, ...identity } = request.entry;
  const { uid = '' } = live.metadata;
  const isKnown = uid === request.entry.uid;
  const origin = isKnown ? originOfKnown(request.entry, live, owner) : originOf(live, owner);
  const isMarked = isOurs(live, owner.graphId, owner.manager);
  const owned = isMarked ? ownedHash(live, owner.manager) : undefined;
  const sent = isKnown ? request.entry.sent : undefined;
  const entry: InventoryItem = {
    ...identity,
    uid,
    origin,
    ...(sent === undefined ? {} : { sent }),
    ...(owned === undefined ? {} : { owned }),
  };
  return { entry, object: live, isWritten: false };
}

function outcomeOf(
  owner: GraphOwner,
  request: ApplyRequest,
  origin: Origin,
  guard: Guard,
  object: KubeObject,
): ApplyOutcome {
  const owned = ownedHash(object, owner.manager, request.ignoreFields);
  const paths = ownedPathsOf(object, owner.manager, request.ignoreFields);
  const entry: InventoryItem = {
    ...request.entry,
    ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
    origin,
    sent: sentHash(request.stamped(guard.origin), request.ignoreFields),
    ...(owned === undefined ? {} : { owned, ownedPaths: ownedPathsHash(paths) }),
  };
  return { entry, object, isWritten: true };
}
