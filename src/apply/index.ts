export {
  type AdoptionCandidate,
  type AdoptionPreview,
  type AdoptionRequest,
  type HeldShare,
  ObjectAdopter,
  previewAdoption,
} from './adoption/index.ts';
export { ObjectApplier } from './applier.ts';
export { fieldManagerOf, ownersOfPointer } from './fields/index.ts';
export { markedOrigin } from './origin.ts';
export {
  type Answers,
  evaluateReadiness,
  type Observation,
  type ObservationInterests,
  observe,
  type PodTrouble,
  podSelectorOf,
  podTroubleOf,
} from './readiness/index.ts';
export { ObjectRemover, type Removal, type RemovalResult } from './removal.ts';
export type { ApplyNotice, ApplyOutcome, ApplyRequest } from './request.ts';
export { type GraphOwner, sentHash, stampObject } from './stamp.ts';
