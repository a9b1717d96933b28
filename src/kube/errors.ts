// What the API server answered, as errors that say how they are handled. Decisions go through the predicates here:
// a 404 in plain text, or one that names no object, says that the kind is not served and never that an object is gone.
import { PequodError, type Retry } from '../errors.ts';

/** The call that failed, for messages and metrics. */
export interface CallRoute {
  /** `get`, `list`, `watch`, `create`, `update`, `apply`, `mergePatch`, `jsonPatch`, `delete`, `discover`. */
  readonly verb: string;
  /** `deployments.apps`, or a path that belongs to no resource. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** `details` of a metav1.Status; absent strings are empty. */
export interface StatusDetails {
  readonly name: string;
  readonly group: string;
  readonly kind: string;
  readonly causes: readonly StatusCause[];
}

export interface ApiErrorInit {
  readonly code: string;
  readonly reason: string;
  readonly retry: Retry;
  readonly statusCode: number;
  readonly statusReason: string;
  readonly statusMessage: string;
  readonly details: StatusDetails;
  readonly retryAfterMs: number | undefined;
  readonly isJsonStatus: boolean;
  readonly route: CallRoute;
}

/** The API server answered with an error, over HTTP or as a frame of a watch. */
export class ApiError extends PequodError {
  readonly statusCode: number;
  /** `reason` of the Status, e.g. `NotFound`; empty where the body was no Status or had none. */
  readonly statusReason: string;
  /** The server's own words, one line, shortened. */
  readonly statusMessage: string;
  readonly details: StatusDetails;
  /** What the server asked us to wait. */
  readonly retryAfterMs: number | undefined;
  /** False for plain text, as proxies and unknown paths answer. */
  readonly isJsonStatus: boolean;
  readonly route: CallRoute;

  constructor(message: string, init: ApiErrorInit) {
    super(message, { code: init.code, reason: init.reason, retry: init.retry });
    this.statusCode = init.statusCode;
    this.statusReason = init.statusReason;
    this.statusMessage = init.statusMessage;
    this.details = init.details;
    this.retryAfterMs = init.retryAfterMs;
    this.isJsonStatus = init.isJsonStatus;
    this.route = init.route;
  }

  get causes(): readonly StatusCause[] {
    return this.details.causes;
  }
}

/**
 * - `connection`: no connection, reset, TLS or DNS failure.
 * - `timeout`: no whole answer within the deadline. A write may have landed.
 * - `tooLarge`: the answer is over the size limit.
 * - `badResponse`: the answer is not what was asked for: broken JSON, a cut stream.
 */
export type TransportErrorKind = 'connection' | 'timeout' | 'tooLarge' | 'badResponse';

const TRANSPORT_CODES: Readonly<Record<TransportErrorKind, string>> = {
  connection: 'API_CONNECTION',
  timeout: 'API_TIMEOUT',
  tooLarge: 'API_RESPONSE_TOO_LARGE',
  badResponse: 'API_BAD_RESPONSE',
};

/** No usable answer came. Whether a write landed is unknown. */
export class TransportError extends PequodError {
  readonly kind: TransportErrorKind;

  constructor(kind: TransportErrorKind, message: string, cause?: unknown) {
    super(message, { code: TRANSPORT_CODES[kind], reason: 'ApiServerUnavailable', retry: 'backoff', cause });
    this.kind = kind;
  }
}

/** The object does not exist, said by the API server about a kind that it serves. */
export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_NOT_FOUND';
}

/** The namespace that a write goes to does not exist. */
export function isNamespaceMissing(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_NAMESPACE_MISSING';
}

/** The path is unknown: the kind is not (or not yet, or no longer) served. Says nothing about objects. */
export function isKindNotServed(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_KIND_NOT_SERVED';
}

/** The object changed or was replaced since it was read: look again. Field conflicts are `ApplyConflictError`s. */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_CONFLICT';
}

/** What a conflict is about: `uid` means that another object has, or none has, this name now. */
export function conflictSubject(error: unknown): 'uid' | 'resourceVersion' | undefined {
  if (!isConflict(error)) return undefined;
  if (error.statusCode === 422) return 'uid';
  return /uid mismatch:|UID in (?:the )?precondition/.test(error.statusMessage) ? 'uid' : 'resourceVersion';
}

/** A JSON patch could not be applied: a `test` failed or a path is missing. Look again. */
export function isPatchRejected(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_PATCH_REJECTED';
}

/** What was read is not true any more, however the server says so: a conflict, or a JSON patch that does not fit. */
export function isPreconditionFailed(error: unknown): error is ApiError {
  return isConflict(error) || isPatchRejected(error);
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_ALREADY_EXISTS';
}

/** The resourceVersion or continue token is too old: list again. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_EXPIRED';
}

export function isTooManyRequests(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_TOO_MANY_REQUESTS';
}

export function isUnauthorized(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_UNAUTHORIZED';
}

/** A right is missing. Refusals of admission, and the two further below that pass by themselves, are others. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_FORBIDDEN';
}

/** Admission does not let the write through: a webhook, a policy, a quota. It was heard and said no. */
export function isAdmissionRefused(error: unknown): error is ApiError {
  return (
    error instanceof ApiError &&
    (error.code === 'API_ADMISSION_DENIED' || error.code === 'API_QUOTA_EXCEEDED')
  );
}

/** Nothing can be created in this namespace any more. */
export function isNamespaceTerminating(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_NAMESPACE_TERMINATING';
}

/** The CustomResourceDefinition is being deleted: no new objects of it. */
export function isCrdTerminating(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_CRD_TERMINATING';
}

export interface DeniedAccess {
  /** RBAC verb: `create`, `patch`, … */
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

const DENIED = /cannot (\w+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?/;

/** What exactly was forbidden, where the authoriser said it (quota and admission do not). */
export function deniedAccess(error: ApiError): DeniedAccess | undefined {
  const [, verb, resource, group, namespace] = DENIED.exec(error.statusMessage) ?? [];
  if (verb === undefined || resource === undefined || group === undefined) return undefined;
  return { verb, group, resource, namespace, name: error.route.name };
}
