// Fields that someone else sets, e.g. `spec.replicas` under an autoscaler.
//
// Invariant: a body of ours leaves out an ignored field only once the live object shows that we are not its only owner;
// leaving out what only we own would reset it. Until then `pequod/keep` takes the live value over, guarded by uid and
// resourceVersion, so that nothing changes for whoever scales the object.
// What is in a list can't be ignored: its place says nothing about which element is meant once somebody adds another.
import { KEEP_FIELD_MANAGER, type KubeObject } from '../api/index.ts';
import { ApplyConflictError, InvalidObjectError } from '../errors.ts';
import {
  escapePointerSegment,
  getPointer,
  isJsonArray,
  type JsonObject,
  parsePointer,
  removePointer,
  setPointer,
} from '../json/index.ts';
import type { Resource, TenantClient } from '../kube/index.ts';
import { ownersOfPointer } from './fields/index.ts';

export interface IgnoredFields {
  /** The body to send: without the ignored fields that another owner holds by now. */
  without(body: KubeObject): KubeObject;
  /** The object as it is after `pequod/keep` took fields over; undefined where it had nothing to do. */
  readonly keptObject: KubeObject | undefined;
}

export interface IgnoredFieldsRequest {
  readonly resource: Resource;
  readonly ignoreFields: readonly string[];
  readonly manager: string;
  /** Undefined where the object does not exist: then everything is sent. */
  readonly live: KubeObject | undefined;
}

/** @throws InvalidObjectError for a pointer that reaches into a list of this object. */
export function refusePointersIntoLists(object: KubeObject, pointers: readonly string[]): void {
  for (const pointer of pointers) {
    const parents = parsePointer(pointer).map((_, depth, all) => all.slice(0, depth));
    const isIntoList = parents.some((parent) =>
      isJsonArray(getPointer(object, parent.map((segment) => `/${escapePointerSegment(segment)}`).join(''))),
    );
    if (!isIntoList) continue;
    throw new InvalidObjectError(`ignoreFields names ${pointer}, which is in a list`, { field: pointer });
  }
}

/**
 * Makes sure that every ignored field of the live object has an owner besides us.
 * @throws InvalidObjectError for a field in a list; ApiError (`isConflict`) where the object has changed since it was read
 */
export async function prepareIgnoredFields(
  client: TenantClient,
  request: IgnoredFieldsRequest,
  signal: AbortSignal,
): Promise<IgnoredFields> {
  const { live, ignoreFields, manager } = request;
  if (live !== undefined) refusePointersIntoLists(live, ignoreFields);
  const inUse =
    live === undefined ? [] : ignoreFields.filter((pointer) => getPointer(live, pointer) !== undefined);
  // What nobody owns stays as it is without us, and a claim of it would only be in the way of others.
  const isOursAlone = (pointer: string): boolean => {
    const owners = live === undefined ? [] : ownersOfPointer(live, pointer);
    return owners.length > 0 && owners.every((owner) => owner.manager === manager);
  };
  const orphaned = inUse.filter(isOursAlone);
  const keptObject =
    live === undefined || orphaned.length === 0
      ? undefined
      : await keep(client, request.resource, live, orphaned, signal);
  return {
    keptObject,
    without: (body) => inUse.reduce<KubeObject>((value, pointer) => removePointer(value, pointer), body),
  };
}

async function keep(
  client: TenantClient,
  resource: Resource,
  live: KubeObject,
  pointers: readonly string[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { uid, resourceVersion } = live.metadata;
  const identity: KubeObject = {
    apiVersion: live.apiVersion,
    kind: live.kind,
    metadata: {
      name: live.metadata.name,
      ...(live.metadata.namespace === undefined ? {} : { namespace: live.metadata.namespace }),
    },
  };
  const body = pointers.reduce<KubeObject>((value, pointer) => {
    const member = getPointer(live, pointer);
    return member === undefined ? value : setPointer(value, pointer, member);
  }, identity);
  const guards: JsonObject & { readonly uid?: string; readonly resourceVersion?: string } = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  try {
    const answer = await client.apply(
      resource,
      body,
      { fieldManager: KEEP_FIELD_MANAGER, ...guards },
      signal,
    );
    return answer.object;
  } catch (error) {
    // Another manager has set one of them by now, and none was kept: the object is not what it was when it was read.
    throw error instanceof ApplyConflictError ? (error.cause ?? error) : error;
  }
}
