export { type AdoptionPlan, type AdoptionProblem, planAdoption } from './adoption.ts';
export { applySetId } from './apply-set-id.ts';
export { confinementProblem } from './confinement.ts';
export { toDot } from './dot.ts';
export type { EdgeList } from './edges.ts';
export { MAX_GRAPH_BYTES, MAX_STATUS_BYTES, statusBytesOf } from './graph-size.ts';
export { type Health, healthOf, withSetbacks } from './health.ts';
export { historyAfter, type Moment } from './history.ts';
export { type Hold, type HoldReason, isProtected, pruneHold } from './hold.ts';
export { isKnownClusterScoped } from './identity.ts';
export {
  deletionWaves,
  effectiveDeletion,
  findPrunable,
  isPrecious,
  type PlannedObject,
  propagationPolicyOf,
  rebuiltDeletion,
  unionInventory,
} from './inventory.ts';
export {
  isLegalMove,
  isoSeconds,
  moveNode,
  type NodeMove,
  READINESS_TIMEOUT,
  readinessStartMs,
  sinceOf,
} from './node-state.ts';
export { Pass, type PassOptions, type StartableNode } from './pass.ts';
export type { NodeInput, NodeWork } from './pass-entry.ts';
export type { BlockedNode, GraphSummary } from './pass-report.ts';
export {
  buildPlan,
  DEFAULT_MAX_NODES,
  type PendingPlanNode,
  type Plan,
  type PlanNode,
  type PlanOptions,
  type PlanResult,
  type ResolvedPlanNode,
} from './plan.ts';
export type { GraphProblem, GraphProblemCode } from './problem.ts';
export { executionAfter, PROGRESS_DEADLINE_EXCEEDED, progressDeadlineOf } from './progress.ts';
export { type PruneBlock, type PruneBlockReason, type PruneQuestion, whyNotPruned } from './prune-gate.ts';
export type { Readiness } from './readiness.ts';
export { failureOf, type NodeFailure, retryAt } from './retry.ts';
