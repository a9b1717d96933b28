export { applyEntryOf, ownedHash, ownedPaths } from './owned-hash.ts';
export {
  coOwners,
  type FieldOwner,
  type OwnerOptions,
  ownersOfPointer,
  sharers,
  sharersOfOurs,
} from './owners.ts';
export { applySetId, fieldManagerOf, isOurs, judgeOrigin, type OriginContext } from './ownership.ts';
