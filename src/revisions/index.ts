export { contentOf, MAX_STORED_BYTES, type RevisionContent } from './content.ts';
export {
  DEFAULT_HISTORY_LIMIT,
  lastReady,
  nextNumber,
  type RevisionEntry,
  type RevisionOwner,
  surplus,
} from './history.ts';
export { type KeptGraph, RevisionStore, type RevisionWriter } from './store.ts';
