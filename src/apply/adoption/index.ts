export { type AdoptionCandidate, type AdoptionRequest, ObjectAdopter } from './adopter.ts';
