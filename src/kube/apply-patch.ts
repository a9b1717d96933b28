// What goes into an apply. The server's own fields are never sent back: a stale copy of them would turn a plain apply
// into a guarded one, or be refused. Guards are stated by the caller, and only then.
import type { KubeObject } from '../api/index.ts';
import { InvalidObjectError, TerminalError } from '../errors.ts';
import { stringifyJson } from '../json/index.ts';
import type { Resource } from './resource.ts';

/** What the live object must be for the apply to succeed; anything else is a conflict. */
export interface ApplyGuard {
  /** Identity: an object that is missing or has another uid is refused. */
  readonly uid?: string | undefined;
  /** State; guards nothing where the object is missing. */
  readonly resourceVersion?: string | undefined;
}

const SERVER_FIELDS: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
]);

const MAX_FIELD_MANAGER_BYTES = 128;

/**
 * The body of an apply: the object without the server's fields and without status, but with the guards.
 * With `keepsStatus` (the status subresource) the status stays.
 */
export function applyBody(object: KubeObject, guard: ApplyGuard, keepsStatus: boolean): string {
  const { uid, resourceVersion } = guard;
  const metadata = {
    ...Object.fromEntries(Object.entries(object.metadata).filter(([name]) => !SERVER_FIELDS.has(name))),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const { status, ...rest } = object;
  return stringifyJson({ ...rest, metadata, ...(keepsStatus && status !== undefined ? { status } : {}) });
}

/** @throws TerminalError (`FIELD_MANAGER`) where the API server would refuse the name: empty or over 128 bytes. */
export function checkFieldManager(fieldManager: string): void {
  const bytes = Buffer.byteLength(fieldManager);
  if (bytes > 0 && bytes <= MAX_FIELD_MANAGER_BYTES) return;
  throw new TerminalError(`field manager has ${bytes} bytes; 1 to ${MAX_FIELD_MANAGER_BYTES} are allowed`, {
    code: 'FIELD_MANAGER',
    reason: 'InvalidFieldManager',
  });
}

/** @throws InvalidObjectError where a cluster-scoped object names a namespace, or a namespaced one names none. */
export function checkScope(resource: Resource, object: KubeObject): void {
  const hasNamespace = object.metadata.namespace !== undefined;
  if (hasNamespace === resource.namespaced) return;
  const message = resource.namespaced ? 'needs a namespace' : 'is not in a namespace';
  throw new InvalidObjectError(`${resource.kind} ${object.metadata.name} ${message}`, {
    field: 'metadata.namespace',
  });
}
