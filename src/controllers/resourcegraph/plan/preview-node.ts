// What executing one node of a candidate would do, asked of the API server by a dry-run as the tenant. Nothing is
// written. The rules are those of the applier (`src/apply`): who created an object, who may be forced.
import {
  apiVersionOf,
  FIELD_MANAGER_PREFIX,
  gvkOf,
  type InventoryItem,
  KEEP_FIELD_MANAGER,
  type KubeObject,
  type Origin,
  type PlanItem,
  RELEASED_FIELD_MANAGER,
} from '../../../api/index.ts';
import {
  type GraphOwner,
  immutableFields,
  type Observation,
  originOf,
  originOfKnown,
  sentHash,
  whyNotRecreated,
} from '../../../apply/index.ts';
import { ApplyConflictError, InvalidObjectError, messageOf } from '../../../errors.ts';
import { getPointer, removePointer, setPointer } from '../../../json/index.ts';
import {
  isForbidden,
  isKindNotServed,
  isNamespaceMissing,
  isNotFound,
  isPreconditionFailed,
  type Resource,
  type TenantClient,
} from '../../../kube/index.ts';
import { changesBetween, isSecret } from '../../../planning/index.ts';
import { describeKind } from '../inventory.ts';
import { isMirrored, type NodeTarget } from '../targets.ts';
import { managersOf, refusal } from './words.ts';

/** What a preview works with. */
export interface PreviewContext {
  readonly client: TenantClient;
  readonly owner: GraphOwner;
  readonly entryOf: (target: NodeTarget) => InventoryItem | undefined;
  readonly observationOf: (target: NodeTarget) => Observation | undefined;
}

/** How often an object that changes meanwhile is looked at. */
const MAX_LOOKS = 3;

/** The item of the plan. @throws what passes by itself, and the signal's reason */
export async function previewNode(
  context: PreviewContext,
  target: NodeTarget,
  signal: AbortSignal,
): Promise<PlanItem> {
  const { resource } = target;
  if (resource === undefined) return itemOf(target, 'Wait', unserved(target));
  if (isLeftAlone(context, target)) return itemOf(target, 'Keep', {});
  for (let look = 1; ; look += 1) {
    try {
      const live = await readLive(context.client, resource, target, signal);
      if (isMirrored(target)) return mirrorItem(target, live);
      return live === undefined
        ? await previewCreation(context, target, resource, signal)
        : await previewLive(context, target, resource, live, signal);
    } catch (error) {
      if (isPreconditionFailed(error) && look < MAX_LOOKS) continue;
      return itemOf(target, ...problemOf(target, error, signal));
    }
  }
}

/** True where nothing can change: the object is as the graph left it, and the candidate sends the same. */
function isLeftAlone({ entryOf, observationOf, owner }: PreviewContext, target: NodeTarget): boolean {
  const { node } = target.planNode;
  const entry = entryOf(target);
  if (entry?.uid === undefined) return false;
  if (entry.origin === 'Found' && target.adoption === 'TakeOwnership') return false;
  if (node.applyPolicy?.mode === 'Create') return true;
  const observation = observationOf(target);
  return (
    entry.sent === sentHash(target.stamped(entry.origin), node.ignoreFields ?? []) &&
    entry.owned !== undefined &&
    observation?.uid === entry.uid &&
    observation.deletionTimestamp === undefined &&
    observation.owned[owner.manager] === entry.owned
  );
}

/** What is only read is waited for, and left as it is. */
function mirrorItem(target: NodeTarget, live: KubeObject | undefined): PlanItem {
  if (live === undefined) return itemOf(target, 'Wait', { message: 'it is only read, and waited for' });
  return itemOf(target, 'Keep', { uid: live.metadata.uid, message: 'it is read and never written' });
}

async function readLive(
  client: TenantClient,
  resource: Resource,
  { identity: { namespace, name } }: NodeTarget,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await client.get(resource, { namespace, name }, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function previewCreation(
  { client, owner }: PreviewContext,
  target: NodeTarget,
  resource: Resource,
  signal: AbortSignal,
): Promise<PlanItem> {
  await client.apply(
    resource,
    target.stamped('Created'),
    { fieldManager: owner.manager, dryRun: true },
    signal,
  );
  return itemOf(target, 'Create', {});
}

async function previewLive(
  context: PreviewContext,
  target: NodeTarget,
  resource: Resource,
  live: KubeObject,
  signal: AbortSignal,
): Promise<PlanItem> {
  const { uid } = live.metadata;
  const entry = context.entryOf(target);
  if (live.metadata.deletionTimestamp !== undefined)
    return itemOf(target, 'Wait', { uid, message: 'it is being deleted, and is waited for' });
  const isKnown = entry !== undefined && entry.uid === uid;
  const origin = isKnown ? originOfKnown(entry, live, context.owner) : originOf(live, context.owner);
  const isStrange = origin === 'Found' && !(isKnown && entry.origin === 'Found');
  const { mode } = target.planNode.node.applyPolicy ?? {};
  const adoption = origin === 'Found' ? target.adoption : undefined;
  if (isStrange && adoption === undefined && mode === 'Create')
    return itemOf(target, 'Keep', { uid, message: 'it is there already and is left as it is' });
  try {
    const answer = await dryRun(context, target, resource, live, origin, adoption !== undefined, signal);
    const { changes, isCut } = changesBetween(live, answer.object);
    const notes = [
      ...(adoption === undefined ? [] : [`taken over from ${managersOf(live)}`]),
      ...(isStrange && adoption === undefined
        ? ['it is there already: fields are shared, and it is never deleted']
        : []),
      ...(answer.taken === undefined ? [] : [answer.taken]),
      ...(isCut ? ['more fields change than are listed'] : []),
    ];
    const action = adoption === undefined ? (changes.length === 0 ? 'Keep' : 'Change') : 'Adopt';
    return itemOf(target, action, {
      uid,
      ...(changes.length === 0 ? {} : { changes }),
      ...(notes.length === 0 ? {} : { message: notes.join('; ') }),
    });
  } catch (error) {
    const isFixed = immutableFields(error).length > 0;
    if (!isFixed || target.planNode.node.applyPolicy?.recreate !== 'OnImmutable') throw error;
    const whyNot =
      entry === undefined
        ? 'it was there before, and what was found is never deleted'
        : whyNotRecreated({ entry }, live, context.owner);
    if (whyNot !== undefined)
      return itemOf(target, 'Error', {
        uid,
        message: `${refusal(live, error)}; it is not made anew: ${whyNot}`,
      });
    return itemOf(target, 'Recreate', { uid, message: refusal(live, error) });
  }
}

interface DryRunAnswer {
  readonly object: KubeObject;
  /** Whose fields are taken, in words. */
  readonly taken?: string;
}

async function dryRun(
  { client, owner }: PreviewContext,
  target: NodeTarget,
  resource: Resource,
  live: KubeObject,
  origin: Origin,
  isAdopting: boolean,
  signal: AbortSignal,
): Promise<DryRunAnswer> {
  const { applyPolicy, ignoreFields = [] } = target.planNode.node;
  const body = withLiveValues(target.stamped(origin), live, ignoreFields);
  const options = { fieldManager: owner.manager, uid: live.metadata.uid, dryRun: true };
  try {
    return { object: (await client.apply(resource, body, options, signal)).object };
  } catch (error) {
    if (!(error instanceof ApplyConflictError)) throw error;
    const holders = [...new Set(error.conflicts.map(({ manager }) => manager))];
    const mayForce = isAdopting || applyPolicy?.conflictPolicy === 'Force' || holders.every(isNobodys);
    if (!mayForce || holders.some(isGraphs)) throw error;
    const { object } = await client.apply(resource, body, { ...options, force: true }, signal);
    return { object, taken: `takes fields from ${holders.join(', ')}` };
  }
}

function isNobodys(manager: string): boolean {
  return manager === RELEASED_FIELD_MANAGER || manager === KEEP_FIELD_MANAGER;
}

function isGraphs(manager: string): boolean {
  return manager.startsWith(FIELD_MANAGER_PREFIX) && manager !== KEEP_FIELD_MANAGER;
}

/** Ignored fields as they are: whoever has them, they don't change. */
function withLiveValues(sent: KubeObject, live: KubeObject, pointers: readonly string[]): KubeObject {
  return pointers.reduce<KubeObject>((body, pointer) => {
    const value = getPointer(live, pointer);
    return value === undefined ? removePointer(body, pointer) : setPointer(body, pointer, value);
  }, sent);
}

type Details = Pick<PlanItem, 'changes' | 'message'> & { readonly uid?: string | undefined };

function problemOf(
  target: NodeTarget,
  error: unknown,
  signal: AbortSignal,
): readonly ['Error' | 'Wait', Details] {
  signal.throwIfAborted();
  if (isKindNotServed(error)) return ['Wait', unserved(target)];
  if (isNamespaceMissing(error)) return ['Wait', { message: 'its namespace does not exist yet' }];
  const isAnswer =
    error instanceof InvalidObjectError || error instanceof ApplyConflictError || isForbidden(error);
  if (!isAnswer && !isPreconditionFailed(error)) throw error;
  const { object } = target.planNode;
  return ['Error', { message: isSecret(object) ? refusal(object, error) : messageOf(error) }];
}

function unserved({ planNode }: NodeTarget): Details {
  return { message: `the API server does not serve ${describeKind(gvkOf(planNode.object))} yet` };
}

function itemOf(target: NodeTarget, action: PlanItem['action'], { uid, ...details }: Details): PlanItem {
  const { planNode, identity } = target;
  const { namespace, name, kind } = identity;
  return {
    action,
    nodeId: planNode.id,
    apiVersion: apiVersionOf(gvkOf(planNode.object)),
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    ...details,
  };
}
