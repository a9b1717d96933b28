// What executing one node of a candidate would do, asked of the API server by a dry-run as the tenant. Nothing is
// written. The rules are those of the applier (`src/apply`): who created an object, who may be forced.
import { gvkOf, type InventoryItem, type KubeObject, type PlanItem } from '../../../api/index.ts';
import {
  type GraphOwner,
  isOurs,
  ObjectAdopter,
  ObjectApplier,
  type Observation,
  previewApply,
  sentHash,
} from '../../../apply/index.ts';
import {
  ApplyConflictError,
  assertNever,
  InvalidObjectError,
  messageOf,
  PequodError,
  WaitingError,
} from '../../../errors.ts';
import {
  isAdmissionRefused,
  isForbidden,
  isKindNotServed,
  isNamespaceMissing,
  isNotFound,
  isPreconditionFailed,
  type Resource,
  type TenantClient,
} from '../../../kube/index.ts';
import { describeKind, intentOf } from '../inventory.ts';
import { isMirrored, type NodeTarget } from '../targets.ts';
import { changeItem, type Details, itemOf } from './items.ts';
import { listed, refusal } from './words.ts';

/** What a preview works with. */
export interface PreviewContext {
  readonly client: TenantClient;
  readonly owner: GraphOwner;
  readonly entryOf: (target: NodeTarget) => InventoryItem | undefined;
  readonly observationOf: (target: NodeTarget) => Observation | undefined;
  /** Why a node can't run at all. */
  readonly failureOf: (target: NodeTarget) => unknown;
}

const MAX_MANAGERS = 8;
const MAX_FIELDS = 16;
/** How often an object that changes meanwhile is looked at. */
const MAX_LOOKS = 3;

/** The item of the plan. @throws what passes by itself, and the signal's reason */
export async function previewNode(
  context: PreviewContext,
  target: NodeTarget,
  signal: AbortSignal,
): Promise<PlanItem> {
  const { resource } = target;
  const failure = context.failureOf(target);
  if (failure !== undefined) return itemOf(target, ...problemOf(target, failure, signal));
  if (resource === undefined) return itemOf(target, 'Wait', unserved(target));
  if (isLeftAlone(context, target)) return itemOf(target, 'Keep', {});
  for (let look = 1; ; look += 1) {
    try {
      if (target.adoption === 'TakeOwnership') {
        const item = await previewTakeover(context, target, resource, signal);
        if (item !== undefined) return item;
      }
      const live = await readLive(context.client, resource, target, signal);
      if (isMirrored(target)) return mirrorItem(context, target, live);
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

/** What is only read is waited for, and left as it is; what was ours is let go first. */
function mirrorItem({ owner }: PreviewContext, target: NodeTarget, live: KubeObject | undefined): PlanItem {
  if (live === undefined) return itemOf(target, 'Wait', { message: 'it is only read, and waited for' });
  const message = isOurs(live, owner.graphId, owner.manager)
    ? 'it is let go: it stays as it is, and is read and never written'
    : 'it is read and never written';
  return itemOf(target, 'Keep', { uid: live.metadata.uid, message });
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
  { client, owner, entryOf }: PreviewContext,
  target: NodeTarget,
  resource: Resource,
  live: KubeObject,
  signal: AbortSignal,
): Promise<PlanItem> {
  const { uid } = live.metadata;
  const { planNode, stamped } = target;
  const { applyPolicy: policy = {}, ignoreFields = [] } = planNode.node;
  const entry = entryOf(target) ?? intentOf(target);
  const isRepair = entry.sent === sentHash(stamped(entry.origin), ignoreFields);
  const request = { entry, ignoreFields, isRepair, policy, resource, stamped };
  const preview = await previewApply({ client, owner }, request, live, signal);
  switch (preview.type) {
    case 'leave':
      return itemOf(target, 'Keep', { uid, message: 'it is there already and is left as it is' });
    case 'recreate':
      return itemOf(target, 'Recreate', { uid, message: `${preview.fields.join(', ')} can't be changed` });
    case 'write': {
      const notes = [
        ...(preview.isFoundNow ? ['it is there already: fields are shared, and it is never deleted'] : []),
        ...(preview.takenFrom.length > 0 ? [`takes fields from ${preview.takenFrom.join(', ')}`] : []),
      ];
      return changeItem(target, live, preview.object, undefined, notes);
    }
    default:
      return assertNever(preview);
  }
}

/** What taking the object over would do; undefined where there is nothing to take over. */
async function previewTakeover(
  { client, owner, entryOf }: PreviewContext,
  target: NodeTarget,
  resource: Resource,
  signal: AbortSignal,
): Promise<PlanItem | undefined> {
  const { planNode, stamped } = target;
  const { ignoreFields = [] } = planNode.node;
  const entry = entryOf(target) ?? intentOf(target);
  const adopter = new ObjectAdopter(client, owner, new ObjectApplier(client, owner));
  const candidate = await adopter.look({ resource, stamped, ignoreFields, entry }, signal);
  if (candidate === undefined) return undefined;
  const { live, applied, previousManagers, wasReleased, dropped } = candidate;
  const isNobodys = previousManagers.length === 0 && wasReleased;
  const notes = [
    isNobodys ? 'taken up again' : `taken over from ${listed(previousManagers, MAX_MANAGERS)}`,
    ...(dropped.length > 0 ? [`what the module does not state goes: ${listed(dropped, MAX_FIELDS)}`] : []),
  ];
  return changeItem(target, live, applied, 'Adopt', notes);
}

function problemOf(
  target: NodeTarget,
  error: unknown,
  signal: AbortSignal,
): readonly ['Error' | 'Wait', Details] {
  signal.throwIfAborted();
  if (isKindNotServed(error)) return ['Wait', unserved(target)];
  if (isNamespaceMissing(error)) return ['Wait', { message: 'its namespace does not exist yet' }];
  if (error instanceof WaitingError) return ['Wait', { message: messageOf(error) }];
  const isAnswer =
    error instanceof InvalidObjectError ||
    error instanceof ApplyConflictError ||
    isAdoptionRefused(error) ||
    isForbidden(error) ||
    isAdmissionRefused(error) ||
    isPreconditionFailed(error);
  if (!isAnswer) throw error;
  return ['Error', { message: refusal(target.planNode.object, error) }];
}

function isAdoptionRefused(error: unknown): boolean {
  return error instanceof PequodError && error.code === 'ADOPTION_REFUSED';
}

function unserved({ planNode }: NodeTarget): Details {
  return { message: `the API server does not serve ${describeKind(gvkOf(planNode.object))} yet` };
}
