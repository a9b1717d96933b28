// What there is to do for each node, from what was sent, what was left behind, and what the watch sees. Pure.
import type { InventoryItem, NodeStatus, ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import { type GraphOwner, type Observation, sentHash } from '../../apply/index.ts';
import { FIELD_CONFLICT, IMMUTABLE_FIELD, INVALID_OBJECT } from '../../errors.ts';
import type { NodeInput, NodeWork, Plan, Readiness } from '../../graph/index.ts';
import { isAdoptionDue } from './adoption.ts';
import { driftPolicyOf, driftSign } from './drift.ts';
import { isOverByTtl, judgeReadiness, type Signs } from './judge.ts';
import { KIND_NOT_SERVED } from './kinds.ts';
import type { MirrorView } from './mirrors.ts';
import { isMirrored, type NodeTarget, type Targets } from './targets.ts';

export interface WorkContext {
  readonly graph: ResourceGraph;
  readonly status: ResourceGraphStatus;
  readonly owner: GraphOwner;
  readonly nowMs: number;
  /** Somebody asked for a run: what failed is tried again at once. */
  readonly isAsked: boolean;
  /** What is known of the objects besides what the watch shows. */
  readonly signs: Signs;
  readonly entryOf: (target: NodeTarget) => InventoryItem | undefined;
  /** What is known of an object that is only read. */
  readonly mirrorOf: (target: NodeTarget) => MirrorView | undefined;
  readonly observationOf: (target: NodeTarget) => Observation | undefined;
  /** What a look not long ago showed of an object that no watch shows. */
  readonly glimpseOf: (target: NodeTarget) => Observation | undefined;
  /** When a node that met a field conflict may be tried early, in ms, seeing who holds fields now. */
  readonly earlyRetryAtMs: (target: NodeTarget, rivals: string | undefined) => number | undefined;
  /** True once, when an object that was in the way has left: what waited for that need not wait any longer. */
  readonly hasLeft: (target: NodeTarget, isAwaited: boolean) => boolean;
  /** Whether a CustomResourceDefinition of this group has changed since the last pass. */
  readonly isSchemaChanged: (group: string) => boolean;
  /** When an object that someone else keeps changing may be repaired, in ms; undefined for at once. */
  readonly nextRepairAtMs: (target: NodeTarget) => number | undefined;
}

/** The nodes whose objects are about to be repaired: what is only made where it is missing does not drift. */
export function repairedNodes(targets: Targets, inputs: ReadonlyMap<string, NodeInput>): ReadonlySet<string> {
  const repaired = new Set<string>();
  for (const [id, target] of targets)
    if (inputs.get(id)?.work === 'repair' && !isCreatedOnly(target)) repaired.add(id);
  return repaired;
}

/** The inputs of a pass. */
export function findWork(
  plan: Pick<Plan, 'nodes'>,
  targets: Targets,
  context: WorkContext,
): ReadonlyMap<string, NodeInput> {
  const inputs = new Map<string, NodeInput>();
  for (const { id } of plan.nodes) {
    const target = targets.get(id);
    inputs.set(id, target === undefined ? pendingInput(id, context) : inputOf(target, context));
  }
  return inputs;
}

/** A node whose object is not known yet: it is neither written nor judged. */
function pendingInput(id: string, { status }: WorkContext): NodeInput {
  const {
    attempts: _attempts,
    nextAttemptAt: _nextAttemptAt,
    ...stored
  } = status.nodeStatus?.[id] ?? {
    phase: 'Pending',
  };
  const readiness: Readiness = { state: 'waiting', reason: 'WaitingForValues', message: 'is not known yet' };
  return {
    status: stored,
    work: 'wait',
    isChanged: false,
    wasEverReady: stored.readyAt !== undefined,
    readiness,
  };
}

/** A node whose object is only read: it is judged, and there is never anything to do. */
function mirrorInput(target: NodeTarget, context: WorkContext): NodeInput {
  const view = context.mirrorOf(target);
  const status = storedStatus(target, context, false);
  const readiness: Readiness =
    view === undefined
      ? { state: 'waiting', reason: KIND_NOT_SERVED, message: 'is of a kind that is not served' }
      : (view.problem ?? judgeReadiness(target, view.observation, status, context.signs, context.nowMs));
  return { status, work: 'none', isChanged: false, wasEverReady: status.readyAt !== undefined, readiness };
}

function inputOf(target: NodeTarget, context: WorkContext): NodeInput {
  if (isMirrored(target)) return mirrorInput(target, context);
  const watched = context.observationOf(target);
  const isRepaired = isCreatedOnly(target) || driftPolicyOf(context.graph) === 'correct';
  const isGlimpsed = isCreatedOnly(target) || !isRepaired;
  const observation = watched ?? (isGlimpsed ? context.glimpseOf(target) : undefined);
  const hasLeft = context.hasLeft(target, isGoneAwaited(target, watched, observation, context));
  const status = retriedEarly(storedStatus(target, context, hasLeft), target, watched, context);
  const needed = workOf(target, context.entryOf(target), observation, status, context.owner);
  const work = needed === 'repair' && !isRepaired ? 'none' : needed;
  const readiness = judgeReadiness(target, observation, status, context.signs, context.nowMs);
  return {
    status: work === 'repair' ? paced(status, repairAtMs(status, target, context)) : status,
    work,
    isChanged: isChanged(work, status),
    wasEverReady: status.readyAt !== undefined,
    readiness,
  };
}

/** True while the object is in the way of its node: it is on its way out, or somebody has to delete it. */
function isGoneAwaited(
  { planNode }: NodeTarget,
  watched: Observation | undefined,
  observation: Observation | undefined,
  { status }: WorkContext,
): boolean {
  if (observation?.deletionTimestamp !== undefined) return true;
  return watched !== undefined && status.nodeStatus?.[planNode.id]?.reason === IMMUTABLE_FIELD;
}

/** A node that met a field conflict does not wait for its time once others hold something else than then. */
function retriedEarly(
  status: NodeStatus,
  target: NodeTarget,
  watched: Observation | undefined,
  context: WorkContext,
): NodeStatus {
  if (status.reason !== FIELD_CONFLICT || watched === undefined) return status;
  const atMs = context.earlyRetryAtMs(target, watched.rivals);
  if (atMs === undefined || status.nextAttemptAt === undefined) return status;
  if (atMs >= Date.parse(status.nextAttemptAt)) return status;
  const { nextAttemptAt: _nextAttemptAt, ...others } = status;
  return paced(others, atMs);
}

/** True for an object that is made where it is missing, and never touched again. */
export function isCreatedOnly({ planNode }: NodeTarget): boolean {
  return planNode.node.applyPolicy?.mode === 'Create';
}

/** When a repair may start: an object that others keep changing, and a node that does not stay ready, wait. */
function repairAtMs(status: NodeStatus, target: NodeTarget, context: WorkContext): number | undefined {
  const paceMs = context.nextRepairAtMs(target);
  const { quarantinedUntil } = status;
  if (quarantinedUntil === undefined || context.isAsked) return paceMs;
  const untilMs = Date.parse(quarantinedUntil);
  return untilMs <= context.nowMs ? paceMs : Math.max(untilMs, paceMs ?? 0);
}

/** A status with an attempt that is not earlier than `notBeforeMs`. */
function paced(status: NodeStatus, notBeforeMs: number | undefined): NodeStatus {
  if (notBeforeMs === undefined) return status;
  if (status.nextAttemptAt !== undefined && Date.parse(status.nextAttemptAt) >= notBeforeMs) return status;
  return { ...status, nextAttemptAt: new Date(notBeforeMs).toISOString() };
}

/**
 * Failures of another generation don't hold back this one, nor does what was waited for and is over. A pass that ended
 * before it came to the nodes says its generation, but what it says of the nodes is from the render before.
 */
function storedStatus(target: NodeTarget, context: WorkContext, hasLeft: boolean): NodeStatus {
  const stored = context.status.nodeStatus?.[target.planNode.id] ?? { phase: 'Pending' };
  const { observedGeneration, executedHash } = context.status;
  const { metadata, spec } = context.graph;
  const isOfThisGraph =
    observedGeneration === metadata.generation &&
    (executedHash === undefined || executedHash === spec.metadata.renderHash);
  const isServedNow = stored.reason === KIND_NOT_SERVED && target.resource !== undefined;
  const isSchemaNew = stored.reason === INVALID_OBJECT && context.isSchemaChanged(target.identity.group);
  if (isOfThisGraph && !hasLeft && !isServedNow && !isSchemaNew && !context.isAsked) return stored;
  const { attempts: _attempts, nextAttemptAt: _nextAttemptAt, ...fresh } = stored;
  return fresh;
}

/** An apply that the node has not been Ready after counts as a change that its dependents wait for. */
function isChanged(work: NodeWork, status: NodeStatus): boolean {
  if (work === 'create' || work === 'update') return true;
  return (
    status.appliedAt !== undefined && (status.readyAt === undefined || status.appliedAt >= status.readyAt)
  );
}

/** What brings this node's object to what the node says. */
export function workOf(
  target: NodeTarget,
  entry: InventoryItem | undefined,
  observation: Observation | undefined,
  status: NodeStatus,
  owner: GraphOwner,
): NodeWork {
  if (entry?.uid === undefined) return 'create';
  // An adoption that is only recorded is a first write, which waits for what it depends on.
  if (isAdoptionDue(entry) && observation?.owned[owner.manager] === undefined) return 'create';
  if (entry.origin === 'Found' && target.adoption === 'TakeOwnership') return 'update';
  if (isCreatedOnly(target)) {
    if (isOverByTtl(target, observation, status)) return 'none';
    const isThere = observation?.uid === entry.uid && observation.deletionTimestamp === undefined;
    return isThere ? 'none' : 'repair';
  }
  const desired = sentHash(target.stamped(entry.origin), target.planNode.node.ignoreFields ?? []);
  if (entry.sent !== desired) return 'update';
  if (isOverByTtl(target, observation, status)) return 'none';
  return driftSign(entry, observation, owner.manager) === undefined ? 'none' : 'repair';
}
