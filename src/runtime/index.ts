export {
  type BackoffOptions,
  DEFAULT_BACKOFF,
  exponentialBackoff,
  withJitter,
} from '../backoff/index.ts';
export { type Clock, systemClock } from './clock.ts';
export {
  areConditionsEqual,
  type ConditionInput,
  findCondition,
  isConditionTrue,
  MAX_CONDITION_MESSAGE_LENGTH,
  removeCondition,
  setCondition,
} from './conditions.ts';
export {
  type Aside,
  Controller,
  type ControllerOptions,
  type ControllerStats,
  type OwnershipOptions,
  type Reconcile,
  type ReconcileContext,
  type ReconcileOutcome,
  type ReconcileReport,
} from './controller.ts';
export { DurationError, type DurationLimits, parseDuration } from './duration.ts';
export {
  addFinalizerPatch,
  type FinalizerPatch,
  type FinalizerPatchOperation,
  type HasMetadata,
  hasFinalizer,
  isBeingDeleted,
  removeFinalizerPatch,
} from './finalizer.ts';
export type { Gate } from './gate.ts';
export {
  type ComponentHealth,
  type ComponentState,
  Manager,
  type ManagerOptions,
} from './manager.ts';
export type { KeyFilter, Ownership } from './ownership.ts';
export { DONE, REQUEUE, type Result, requeueAfter } from './result.ts';
export type { Runnable } from './runnable.ts';
export type { Priority } from './waiting-keys.ts';
export type { WorkQueueOptions, WorkQueueSize } from './workqueue.ts';
