// Finalizers are changed by patches that carry the resourceVersion of the object they were computed from: when someone
// else wrote meanwhile the API server answers 409, and nobody's finalizer is lost or brought back. That guard is why the
// list can be written as a whole, which fits whatever is there by then; an operation on one index may not fit, and fails
// with 422 before the version is looked at.
import type { ObjectMeta } from '../api/index.ts';

/** What these functions read of an object. */
export interface HasMetadata {
  readonly metadata: ObjectMeta;
}

/** RFC 6902, as far as it is used here. */
export type FinalizerPatchOperation =
  | { readonly op: 'replace'; readonly path: '/metadata/resourceVersion'; readonly value: string }
  | { readonly op: 'add'; readonly path: '/metadata/finalizers'; readonly value: readonly string[] };

/** A JSON Patch (`application/json-patch+json`). */
export type FinalizerPatch = readonly FinalizerPatchOperation[];

export function isBeingDeleted(object: HasMetadata): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function hasFinalizer(object: HasMetadata, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/**
 * The patch that adds one finalizer and keeps the others; undefined where it is there. The API server refuses it on an
 * object that is being deleted.
 */
export function addFinalizerPatch(object: HasMetadata, finalizer: string): FinalizerPatch | undefined {
  if (hasFinalizer(object, finalizer)) return undefined;
  return guarded(object, [...(object.metadata.finalizers ?? []), finalizer]);
}

/** The patch that removes one finalizer and keeps the others; undefined where it is not there. */
export function removeFinalizerPatch(object: HasMetadata, finalizer: string): FinalizerPatch | undefined {
  if (!hasFinalizer(object, finalizer)) return undefined;
  return guarded(object, object.metadata.finalizers?.filter((each) => each !== finalizer) ?? []);
}

// `replace`, not `test`: a stale version then is a 409 Conflict; a failed `test` would be a 422 like a wrong object.
function guarded(object: HasMetadata, finalizers: readonly string[]): FinalizerPatch {
  const { resourceVersion, name } = object.metadata;
  if (resourceVersion === undefined) throw new Error(`object ${name} was not read from the API server`);
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'add', path: '/metadata/finalizers', value: finalizers },
  ];
}
