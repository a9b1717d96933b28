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
export const UNSEEN = 'unseen' as const;

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

/**
 * What the watch shows of an object that is not as the last apply left it, as one text; undefined where it is.
 * @param entry of an object that was applied
 */
export function driftSeen(
  entry: InventoryItem,
  watched: Observation | undefined,
  manager: string,
): string | undefined {
  if (watched === undefined) return UNSEEN;
  const { uid, deletionTimestamp, owned } = watched;
  if (uid !== entry.uid) return `other ${uid}`;
  if (deletionTimestamp !== undefined) return `leaving ${uid}`;
  return owned[manager] === entry.owned ? undefined : `changed ${uid} ${owned[manager] ?? ''}`;
}

/** What is known of an object's drift besides that there is one. */
export type KnownDrift = (target: NodeTarget) => Drift | undefined;

/** The drift of the nodes with these ids that is open at the end of a pass, in the order of the nodes. */
export function openDrifts(
  policy: DriftPolicy,
  drifted: ReadonlySet<string>,
  { targets, pass }: { readonly targets: Targets; readonly pass: Pass },
  known: KnownDrift,
): readonly OpenDrift[] {
  const open: OpenDrift[] = [];
  for (const nodeId of drifted) {
    const target = targets.get(nodeId);
    if (target === undefined) continue;
    if (policy !== 'detect' && !pass.isPutOff(nodeId)) continue;
    const object = describeIdentity(target.identity);
    open.push({ nodeId, object, ...whyOpen(policy, pass, target, known(target)) });
  }
  return open;
}

function whyOpen(
  policy: DriftPolicy,
  pass: Pass,
  { planNode }: NodeTarget,
  drift: Drift | undefined,
): Pick<OpenDrift, 'reason' | 'text'> {
  const { nextAttemptAt, reason, message } = pass.statusOf(planNode.id);
  // What the node says of its failed repair names fields and managers too, and survives a restart.
  const isFailed = policy !== 'detect' && nextAttemptAt !== undefined && message !== undefined;
  if (isFailed) return { reason: reason ?? 'RepairFailed', text: `: ${message}` };
  return { reason: policy === 'detect' ? DETECTED : REPAIR_DELAYED, text: describeDrift(drift) };
}

/** Reads on after the name of an object. */
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
