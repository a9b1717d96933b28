// Makes an object anew whose fields can't be changed: the old one is deleted, the next apply creates.
//
// Invariants kept here:
// - Only what we created or adopted is deleted, only while it is ours, and never what is protected. What holds data or
//   other objects goes only where the live object itself allows it.
// - Nothing is deleted that could not be created again: the new object is tried first, as a dry run under another name.
// - DELETE carries the uid and the resourceVersion that were judged, so that a repetition never meets the new object.
// - Nothing waits here: an object that takes its time to go is said to be `Recreating`, and the watch tells of its end.
import {
  ALLOW_RECREATE_ANNOTATION,
  describeIdentity,
  type KubeObject,
  PRUNE_PROTECTION_ANNOTATION,
} from '../api/index.ts';
import { IMMUTABLE_FIELD, InvalidObjectError, messageOf, WaitingError } from '../errors.ts';
import { isPrecious, propagationPolicyOf } from '../graph/index.ts';
import { isJsonArray, isJsonObject, type JsonValue, shortHashJson } from '../json/index.ts';
import { ApiError, isConflict } from '../kube/index.ts';
import { isOurs } from './fields/index.ts';
import { objectKeyOf } from './object-key.ts';
import { originOf, originOfKnown } from './origin.ts';
import { Races } from './races.ts';
import type { ApplyRequest } from './request.ts';
import type { GraphOwner } from './stamp.ts';
import { readObject, type Writer } from './write.ts';

/** When to look again at an object that is on its way out; the watch says it earlier. */
const RECREATE_RETRY_MS = 30_000;
/** Longest name that is tried, so that kinds with short names take it. */
const MAX_TRIAL_NAME = 57;

/** What the API server refused, and the fields that it refused it for. */
export interface Refusal {
  readonly fields: readonly string[];
  readonly error: unknown;
}

/** What is to be made anew. */
type RecreatedRequest = Pick<ApplyRequest, 'entry' | 'resource' | 'stamped'>;

/** The error of fields that can't be changed. @param whyNot why the object is not made anew, where the node asks for it */
export function immutableError(
  { entry }: Pick<ApplyRequest, 'entry'>,
  { fields, error: cause }: Refusal,
  whyNot?: string,
): InvalidObjectError {
  const what = `${fields.join(', ')} of ${describeIdentity(entry)} can't be changed while it exists`;
  const hint =
    whyNot === undefined
      ? 'applyPolicy.recreate: OnImmutable would delete it and make it anew'
      : `and it is not made anew: ${whyNot}`;
  return new InvalidObjectError(`${what}; ${hint} (${messageOf(cause, 256)})`, {
    code: 'IMMUTABLE_FIELD',
    reason: IMMUTABLE_FIELD,
    field: fields[0],
    cause,
  });
}

/** Why this live object may not be deleted to be made anew; undefined where it may. */
function whyNotRecreated(
  { entry }: Pick<ApplyRequest, 'entry'>,
  live: KubeObject,
  owner: GraphOwner,
): string | undefined {
  const { annotations = {}, uid } = live.metadata;
  const origin = uid === entry.uid ? originOfKnown(entry, live, owner) : originOf(live, owner);
  if (origin === 'Found') return 'it was there before, and what was found is never deleted';
  if (!isOurs(live, owner.graphId, owner.manager)) return 'it is not marked as ours any more';
  if (annotations[PRUNE_PROTECTION_ANNOTATION] === 'true')
    return `it carries ${PRUNE_PROTECTION_ANNOTATION}: "true"`;
  if (isPrecious(entry) && annotations[ALLOW_RECREATE_ANNOTATION] !== 'true')
    return `a ${entry.kind} has to carry ${ALLOW_RECREATE_ANNOTATION}: "true"`;
  return undefined;
}

/**
 * Deletes the object, so that the next apply creates it. Returns when it is gone.
 * @throws InvalidObjectError (`IMMUTABLE_FIELD`) where it has to stay; WaitingError (`RECREATING`) while it goes;
 * ApiError (`isConflict`) where it changes all the time
 */
export async function recreate(
  writer: Writer,
  request: ApplyRequest,
  refusal: Refusal,
  signal: AbortSignal,
): Promise<void> {
  const races = new Races();
  let isTried = false;
  for (;;) {
    const live = await readObject(writer, request, signal);
    if (live === undefined) return;
    if (live.metadata.deletionTimestamp !== undefined) throw recreating(refusal);
    refuseToRecreate(writer, request, live, refusal);
    if (!isTried) await tryAsNew(writer, request, live, refusal, signal);
    isTried = true;
    try {
      return await deleteJudged(writer, request, live, refusal, signal);
    } catch (error) {
      // What controllers write to it meanwhile does not change the verdict, but it is looked at.
      if (!isConflict(error)) throw error;
      await races.lost(error, signal);
    }
  }
}

/**
 * Makes sure that the object may be deleted and could be made anew, without doing so.
 * @throws InvalidObjectError (`IMMUTABLE_FIELD`) where it has to stay
 */
export async function requireRecreatable(
  writer: Writer,
  request: RecreatedRequest,
  live: KubeObject,
  refusal: Refusal,
  signal: AbortSignal,
): Promise<void> {
  refuseToRecreate(writer, request, live, refusal);
  await tryAsNew(writer, request, live, refusal, signal);
}

function refuseToRecreate(
  { owner }: Writer,
  request: Pick<ApplyRequest, 'entry'>,
  live: KubeObject,
  refusal: Refusal,
): void {
  const whyNot = whyNotRecreated(request, live, owner);
  if (whyNot !== undefined) throw immutableError(request, refusal, whyNot);
}

async function deleteJudged(
  writer: Writer,
  request: ApplyRequest,
  live: KubeObject,
  refusal: Refusal,
  signal: AbortSignal,
): Promise<void> {
  const { resource, entry } = request;
  const { uid, resourceVersion } = live.metadata;
  const propagationPolicy = propagationPolicyOf(resource.kind);
  const guarded = { propagationPolicy, uid, resourceVersion };
  const answer = await writer.client.delete(resource, objectKeyOf(entry), guarded, signal);
  request.tell({ type: 'recreating', fields: refusal.fields });
  if (answer.state === 'gone') return;
  // Some kinds answer with the object though it is gone.
  const left = await readObject(writer, request, signal);
  if (left !== undefined && left.metadata.uid === uid) throw recreating(refusal);
}

function recreating({ fields }: Refusal): WaitingError {
  return new WaitingError(`is being deleted, to be made anew: ${fields.join(', ')} can't be changed`, {
    code: 'RECREATING',
    reason: 'Recreating',
    afterMs: RECREATE_RETRY_MS,
  });
}

/** Tries the object as a new one, under another name, without storing it. @throws InvalidObjectError where it is refused */
async function tryAsNew(
  { client, owner }: Writer,
  request: RecreatedRequest,
  live: KubeObject,
  refusal: Refusal,
  signal: AbortSignal,
): Promise<void> {
  const body = withoutHeldPorts(request.stamped('Created'), live);
  const trial = { ...body, metadata: { ...body.metadata, name: trialName(live) } };
  try {
    await client.apply(request.resource, trial, { fieldManager: owner.manager, dryRun: true }, signal);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw immutableError(request, refusal, `a new one would be refused: ${messageOf(error, 256)}`);
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof InvalidObjectError) return true;
  return error instanceof ApiError && error.statusCode >= 400 && error.statusCode < 500;
}

/** Node ports that the live Service holds itself: it gives them back, but not to one that is tried beside it. */
function withoutHeldPorts(body: KubeObject, live: KubeObject): KubeObject {
  const { spec } = body;
  const ports = isJsonObject(spec) ? spec['ports'] : undefined;
  if (body.kind !== 'Service' || !isJsonObject(spec) || !isJsonArray(ports)) return body;
  const held = new Set(nodePortsOf(live));
  const freed = ports.map((port) => {
    if (!isJsonObject(port) || !held.has(port['nodePort'])) return port;
    const { nodePort: _nodePort, ...others } = port;
    return others;
  });
  return { ...body, spec: { ...spec, ports: freed } };
}

function nodePortsOf({ spec }: KubeObject): readonly (JsonValue | undefined)[] {
  const ports = isJsonObject(spec) ? spec['ports'] : undefined;
  if (!isJsonArray(ports)) return [];
  return ports.flatMap((port) =>
    isJsonObject(port) && port['nodePort'] !== undefined ? [port['nodePort']] : [],
  );
}

/** A name that nothing has, and that any kind takes which takes the object's own. */
function trialName({ metadata }: KubeObject): string {
  const tail = shortHashJson({ uid: metadata.uid ?? '' })
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 6);
  return `${metadata.name.slice(0, MAX_TRIAL_NAME - tail.length - 1).replace(/[^a-zA-Z0-9]+$/, '')}-${tail}`;
}
