export { evaluateReadiness, type ProbeAnswers, type ReadinessClock } from './evaluate.ts';
export { objectStatusOf } from './kstatus.ts';
export type { ObjectStatus } from './object-status.ts';
export { type Answers, type Observation, type ObservationInterests, observe } from './observation.ts';
export { type PodTrouble, podSelectorOf, podTroubleOf } from './pod-trouble.ts';
export type { ReadCondition } from './read.ts';
