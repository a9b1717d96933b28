export { type AdoptionCandidate, type AdoptionRequest, ObjectAdopter } from './adopter.ts';
export { type AdoptionPreview, type HeldShare, previewAdoption } from './preview.ts';
