export { fieldManagerOf } from './fields/index.ts';
export { evaluateReadiness, type IgnoredPointers, type Observation, observe } from './readiness/index.ts';
export { ObjectRemover, type Removal, type RemovalResult } from './removal.ts';
export { type ApplyOutcome, type ApplyRequest, ObjectApplier } from './server-side-apply.ts';
export { type GraphOwner, sentHash, stampObject } from './stamp.ts';
