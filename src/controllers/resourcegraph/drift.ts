// Which objects are not as the last apply left them, and what of that is not repaired when a pass is over. Pure.
//
// Invariant: what a repair of the same pass put back is not reported, so that a settled graph's conditions don't flap.
import {
  type DriftPolicy,
  describeIdentity,
  type InventoryItem,
  type ResourceGraph,
} from '../../api/index.ts';
import type { Drift, Observation } from '../../apply/index.ts';
import type { Pass } from '../../graph/index.ts';
import type { NodeTarget, Targets } from './targets.ts';

/** Drift that stays for now. */
export interface OpenDrift {
  readonly nodeId: string;
  /** Kind, namespace and name. */
  readonly object: string;
  /** CamelCase: why it is not repaired. */
  readonly reason: string;
  /** Reads on after the object, with what separates them. */
  readonly text: string;
}

/** What is seen of an object that the watch does not show. */
export const UNSEEN: DriftSign = { state: 'unseen', key: 'unseen' };

/** Reason of drift that is only reported, as the policy wants it. */
const DETECTED = 'Detected' as const;
/** Reason of drift whose repair waits because there have been so many. */
const REPAIR_DELAYED = 'RepairDelayed' as const;
/** Most fields of an object that are named. */
const MAX_FIELDS = 5;

/** What is done about drift in this graph. */
export function driftPolicyOf({ spec }: ResourceGraph): DriftPolicy {
  return spec.drift ?? 'correct';
}

/** How the watch shows an object that is not as the last apply left it. */
export interface DriftSign {
  /** `unseen`: gone, or without our label; `leaving`: on its way out; `changed`: another one, or with other values. */
  readonly state: 'changed' | 'leaving' | 'unseen';
  /** Another text wherever something else is seen. */
  readonly key: string;
}

/** Undefined where the object is as its last apply left it. @param entry of an object that was applied */
export function driftSign(
  entry: InventoryItem,
  watched: Observation | undefined,
  manager: string,
): DriftSign | undefined {
  if (watched === undefined) return UNSEEN;
  const { uid, deletionTimestamp } = watched;
  const owned = watched.owned[manager];
  if (uid === entry.uid && deletionTimestamp !== undefined)
    return { state: 'leaving', key: `leaving ${uid}` };
  return uid === entry.uid && owned === entry.owned
    ? undefined
    : { state: 'changed', key: `changed ${uid} ${owned ?? ''}` };
}

/**
 * The drift of the nodes with these ids that is open at the end of a pass, in the order of the nodes.
 * @param describe what is known to be changed, as {@link describeDrift} says it
 */
export function openDrifts(
  policy: DriftPolicy,
  drifted: ReadonlySet<string>,
  { targets, pass }: { readonly targets: Targets; readonly pass: Pass },
  describe: (target: NodeTarget) => string,
): readonly OpenDrift[] {
  const open: OpenDrift[] = [];
  for (const nodeId of drifted) {
    const target = targets.get(nodeId);
    if (target === undefined) continue;
    if (policy !== 'detect' && !pass.isPutOff(nodeId)) continue;
    const object = describeIdentity(target.identity);
    open.push({ nodeId, object, ...whyOpen(policy, pass, nodeId, () => describe(target)) });
  }
  return open;
}

function whyOpen(
  policy: DriftPolicy,
  pass: Pass,
  nodeId: string,
  describe: () => string,
): Pick<OpenDrift, 'reason' | 'text'> {
  const { nextAttemptAt, reason, message } = pass.statusOf(nodeId);
  // What the node says of its failed repair names fields and managers too, and survives a restart.
  const isFailed = policy !== 'detect' && nextAttemptAt !== undefined && message !== undefined;
  if (isFailed) return { reason: reason ?? 'RepairFailed', text: `: ${message}` };
  return { reason: policy === 'detect' ? DETECTED : REPAIR_DELAYED, text: describe() };
}

/** Reads on after the name of an object. @param drift undefined where it is not known what was changed */
export function describeDrift(drift: Drift | undefined): string {
  if (drift === undefined) return ' is not as it was applied';
  if (drift.isGone) return ' was deleted';
  const { fields, managers } = drift;
  if (fields.length === 0) return ' is not as it was applied';
  const more = fields.length > MAX_FIELDS ? ` and ${fields.length - MAX_FIELDS} more` : '';
  const verb = fields.length === 1 ? 'was' : 'were';
  const named = `: ${fields.slice(0, MAX_FIELDS).join(', ')}${more} ${verb}`;
  return managers.length === 0 ? `${named} removed` : `${named} changed by ${managers.join(', ')}`;
}

/** The drift that a repair could not even begin with, because the whole pass could not. */
export function refusedDrifts(
  drifted: ReadonlySet<string>,
  targets: Targets,
  reason: string,
): readonly OpenDrift[] {
  return [...drifted].flatMap((nodeId) => {
    const target = targets.get(nodeId);
    const object = target === undefined ? undefined : describeIdentity(target.identity);
    return object === undefined ? [] : [{ nodeId, object, reason, text: describeDrift(undefined) }];
  });
}
