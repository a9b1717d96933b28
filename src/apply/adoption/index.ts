export { type AdoptionCandidate, type AdoptionRequest, ObjectAdopter } from './adopter.ts';
export { joinManagers } from './preview.ts';
