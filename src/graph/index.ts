export { type AdoptionPlan, type AdoptionProblem, planAdoption } from './adoption.ts';
export { applySetId } from './apply-set-id.ts';
export { confinementProblem } from './confinement.ts';
export { toDot } from './dot.ts';
export type { EdgeList } from './edges.ts';
export { isKnownClusterScoped } from './identity.ts';
export {
  deletionWaves,
  effectiveDeletion,
  findPrunable,
  type PlannedObject,
  propagationPolicyOf,
  unionInventory,
} from './inventory.ts';
export { isLegalMove, isoSeconds, moveNode, type NodeMove, readinessStartMs, sinceOf } from './node-state.ts';
export { Pass, type PassOptions, type StartableNode } from './pass.ts';
export type { NodeInput, NodeWork } from './pass-entry.ts';
export type { BlockedNode, GraphSummary } from './pass-report.ts';
export {
  buildPlan,
  DEFAULT_MAX_NODES,
  describeNode,
  type PendingPlanNode,
  type Plan,
  type PlanNode,
  type PlanOptions,
  type PlanResult,
  type ResolvedPlanNode,
} from './plan.ts';
export type { GraphProblem, GraphProblemCode } from './problem.ts';
export { executionAfter, PROGRESS_DEADLINE_EXCEEDED, progressDeadlineOf } from './progress.ts';
export type { Readiness } from './readiness.ts';
export { failureOf, type NodeFailure, retryAt } from './retry.ts';
