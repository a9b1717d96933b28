export {
  type AdoptionCandidate,
  type AdoptionRequest,
  joinManagers,
  ObjectAdopter,
} from './adoption/index.ts';
export { ObjectApplier } from './applier.ts';
export type { Drift, DriftLook } from './drift.ts';
export { fieldManagerOf, isOurs, ownersOfPointer } from './fields/index.ts';
export { markedOrigin, originOf, originOfKnown } from './origin.ts';
export { type ApplyPreview, type PreviewRequest, previewApply } from './preview.ts';
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
