export { planCandidate, planWaitsForKind, sooner } from './plan-phase.ts';
