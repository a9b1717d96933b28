export type { RevisionContent } from './content.ts';
export {
  candidateName,
  DEFAULT_HISTORY_LIMIT,
  nextNumber,
  type RevisionEntry,
  type RevisionOwner,
  readyOnes,
  surplus,
} from './history.ts';
export { type KeptGraph, RevisionStore, type RevisionWriter } from './store.ts';
