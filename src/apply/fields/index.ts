export { type SplitFields, splitFields, unionFields, withoutPath } from './field-set.ts';
export { applyEntryOf, ownedHash, ownedPaths } from './owned-hash.ts';
export { ownedPathsHash, ownedPathsOf } from './owned-paths.ts';
export {
  coOwners,
  type FieldOwner,
  type OwnerOptions,
  ownersOfPointer,
} from './owners.ts';
export { fieldManagerOf, isOurs } from './ownership.ts';
export { rivalsHash } from './rivals.ts';
