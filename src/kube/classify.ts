// From an error answer to the error class that says how it is handled. The text prefixes of the API server are matched
// here and nowhere else; they were tried against the real one and an integration test notices when they change.
import { boundedWait, parseRetryAfter } from '../backoff/index.ts';
import {
  ApplyConflictError,
  INVALID_RETRY_MS,
  InvalidObjectError,
  messageOf,
  type PequodError,
  type Retry,
} from '../errors.ts';
import { isJsonArray, isJsonObject, type JsonValue, parseJson } from '../json/index.ts';
import { admissionKind } from './admission.ts';
import {
  ApiError,
  type ApiErrorInit,
  type CallRoute,
  type StatusCause,
  type StatusDetails,
} from './errors.ts';

/** What is known about an answer that is not a success. */
export interface ErrorAnswer {
  readonly statusCode: number;
  /** Start of the body. */
  readonly body: string;
  readonly retryAfter: string | undefined;
  readonly route: CallRoute;
  readonly nowMs: number;
}

interface ParsedStatus {
  readonly isJson: boolean;
  readonly statusCode: number;
  readonly reason: string;
  readonly message: string;
  readonly details: StatusDetails;
  readonly retryAfterMs: number | undefined;
}

const MESSAGE_LIMIT = 512;
/** What is kept of the end of a message that is too long: the server quotes values first and says last what is wrong. */
const MESSAGE_TAIL = 192;
/** A server that asks to be called again at once is not asked as fast as it answers. */
const MIN_RETRY_AFTER_MS = 1_000;
/**
 * What is refused for its content is tried again soon, and then ever more slowly: a CRD that has just changed is enforced
 * a moment later, and a webhook or a server may be wrong for once. What is wrong with the object stays wrong.
 */
const REFUSED_RETRY: Retry = { backoffToMs: INVALID_RETRY_MS };
/** Longest time until what was forbidden is tried again. */
const FORBIDDEN_RETRY_MS = 60_000;
/** How an apply fails whose object has field owners under a version that its CRD has no more. */
const RETIRED_VERSION = /^request to convert CR to an invalid group\/version: (\S+)/;
const WRITES: ReadonlySet<string> = new Set(['apply', 'create', 'update', 'mergePatch', 'jsonPatch']);
const ADMITTED: ReadonlySet<string> = new Set([...WRITES, 'delete']);

/** One line that has lost its middle where it was too long. */
function shortened(message: string): string {
  const line = messageOf(message, Number.POSITIVE_INFINITY);
  if (line.length <= MESSAGE_LIMIT) return line;
  return `${line.slice(0, MESSAGE_LIMIT - MESSAGE_TAIL - 1)}…${line.slice(-MESSAGE_TAIL)}`;
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function causesOf(value: JsonValue | undefined): readonly StatusCause[] {
  if (!isJsonArray(value)) return [];
  const seen = new Set<string>();
  const causes: StatusCause[] = [];
  for (const item of value) {
    if (!isJsonObject(item)) continue;
    const field = text(item['field']);
    const cause = { reason: text(item['reason']), message: shortened(text(item['message'])), field };
    const key = `${cause.reason} ${field} ${cause.message}`;
    // A custom resource adds one cause about `<nil>` to each missing field, and some causes come twice.
    if (field === '<nil>' || seen.has(key)) continue;
    seen.add(key);
    causes.push(cause);
  }
  return causes;
}

function wishMs(askedMs: number): number {
  return Math.max(MIN_RETRY_AFTER_MS, boundedWait(askedMs));
}

function statusOf(value: JsonValue, answer: ErrorAnswer): ParsedStatus | undefined {
  if (!isJsonObject(value) || value['kind'] !== 'Status') return undefined;
  const details = isJsonObject(value['details']) ? value['details'] : {};
  const seconds = details['retryAfterSeconds'];
  const code = value['code'];
  return {
    isJson: true,
    statusCode: typeof code === 'number' ? code : answer.statusCode,
    reason: text(value['reason']),
    message: text(value['message']),
    details: {
      name: text(details['name']),
      group: text(details['group']),
      kind: text(details['kind']),
      causes: causesOf(details['causes']),
    },
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? wishMs(seconds * 1000) : undefined,
  };
}

function parseStatus(answer: ErrorAnswer): ParsedStatus {
  let value: JsonValue = null;
  try {
    value = parseJson(answer.body);
  } catch {
    value = null; // plain text: proxies, unknown paths
  }
  const parsed = statusOf(value, answer);
  const askedMs = parseRetryAfter(answer.retryAfter, answer.nowMs);
  const retryAfterMs = askedMs === undefined ? undefined : wishMs(askedMs);
  if (parsed !== undefined) return retryAfterMs === undefined ? parsed : { ...parsed, retryAfterMs };
  const details = { name: '', group: '', kind: '', causes: [] };
  return {
    isJson: false,
    statusCode: answer.statusCode,
    reason: '',
    message: answer.body,
    details,
    retryAfterMs,
  };
}

/** The error for an HTTP answer that is not a success. */
export function errorFromAnswer(answer: ErrorAnswer): PequodError {
  return classify(parseStatus(answer), answer.route);
}

/** The error for an `ERROR` frame of a watch. */
export function errorFromFrame(object: JsonValue | undefined, route: CallRoute): PequodError {
  const answer = { statusCode: 500, body: '', retryAfter: undefined, route, nowMs: 0 };
  const status =
    statusOf(object ?? null, answer) ?? parseStatus({ ...answer, body: 'error frame without a status' });
  return classify(status, route);
}

function classify(status: ParsedStatus, route: CallRoute): PequodError {
  const error = new ApiError(describe(status, route), { ...kindOf(status, route), ...common(status, route) });
  const conflicts = fieldConflicts(status);
  if (conflicts.length > 0) return new ApplyConflictError(describe(status, route), conflicts, error);
  const field = invalidField(status, route);
  if (field === undefined) return error;
  return new InvalidObjectError(describe(status, route), {
    field: field === '' ? undefined : field,
    retry: REFUSED_RETRY,
    cause: error,
  });
}

function common(status: ParsedStatus, route: CallRoute): Omit<ApiErrorInit, 'code' | 'reason' | 'retry'> {
  return {
    statusCode: status.statusCode,
    statusReason: status.reason,
    statusMessage: isSecret(route) ? secretSafe(status) : shortened(status.message),
    details: isSecret(route) ? withoutMessages(status.details) : status.details,
    retryAfterMs: status.retryAfterMs,
    isJsonStatus: status.isJson,
    route,
  };
}

function kindOf(status: ParsedStatus, route: CallRoute): Pick<ApiErrorInit, 'code' | 'reason' | 'retry'> {
  const refusal = refusalOf(status, route);
  if (refusal !== undefined) return refusal;
  const later = status.retryAfterMs === undefined ? 'backoff' : { afterMs: status.retryAfterMs };
  switch (status.statusCode) {
    case 401:
      return { code: 'API_UNAUTHORIZED', reason: 'Unauthorized', retry: 'backoff' };
    case 403:
      return forbiddenKind(status);
    case 404:
      return notFoundKind(status, route);
    case 409:
      if (status.reason !== 'AlreadyExists')
        return { code: 'API_CONFLICT', reason: 'Conflict', retry: later };
      // A conflict of allocation asks to be repeated; a taken name does not.
      return { code: 'API_ALREADY_EXISTS', reason: 'AlreadyExists', retry: 'backoff' };
    case 410:
      return { code: 'API_EXPIRED', reason: 'Expired', retry: 'backoff' };
    case 422:
      if (isUidGuard(status)) return { code: 'API_CONFLICT', reason: 'Conflict', retry: 'backoff' };
      if (isPatchMisfit(status, route))
        return { code: 'API_PATCH_REJECTED', reason: 'Conflict', retry: 'backoff' };
      return { code: 'API_REJECTED', reason: 'Rejected', retry: REFUSED_RETRY };
    case 429:
      return { code: 'API_TOO_MANY_REQUESTS', reason: 'TooManyRequests', retry: later };
    default:
      if (RETIRED_VERSION.test(status.message))
        return { code: 'API_VERSION_RETIRED', reason: 'VersionRetired', retry: 'backoff' };
      if (status.statusCode >= 500)
        return { code: 'API_SERVER_ERROR', reason: 'ApiServerUnavailable', retry: later };
      return { code: 'API_REJECTED', reason: 'Rejected', retry: REFUSED_RETRY };
  }
}

/** How a write is handled that admission refused, other than because something is on its way out. */
function refusalOf(status: ParsedStatus, route: CallRoute): ReturnType<typeof admissionKind> {
  if (!status.isJson || !ADMITTED.has(route.verb)) return undefined;
  if (status.statusCode === 403 && forbiddenKind(status).code !== 'API_FORBIDDEN') return undefined;
  return admissionKind(status);
}

/** The `apiVersion` that a kind has no more, and that field owners of the object still name. */
export function retiredApiVersion(error: unknown): string | undefined {
  if (!(error instanceof ApiError) || error.code !== 'API_VERSION_RETIRED') return undefined;
  return RETIRED_VERSION.exec(error.statusMessage)?.[1];
}

function forbiddenKind(status: ParsedStatus): Pick<ApiErrorInit, 'code' | 'reason' | 'retry'> {
  if (status.details.causes.some((cause) => cause.reason === 'NamespaceTerminating')) {
    return { code: 'API_NAMESPACE_TERMINATING', reason: 'NamespaceTerminating', retry: 'never' };
  }
  if (status.message.includes('custom resource definition is terminating')) {
    return { code: 'API_CRD_TERMINATING', reason: 'KindTerminating', retry: { afterMs: 5_000 } };
  }
  return { code: 'API_FORBIDDEN', reason: 'Forbidden', retry: { backoffToMs: FORBIDDEN_RETRY_MS } };
}

function notFoundKind(
  status: ParsedStatus,
  route: CallRoute,
): Pick<ApiErrorInit, 'code' | 'reason' | 'retry'> {
  // A known group and version answers an unknown plural with a Status too, but one that names no object.
  if (!status.isJson || status.reason !== 'NotFound' || status.details.name === '') {
    return { code: 'API_KIND_NOT_SERVED', reason: 'KindNotServed', retry: 'backoff' };
  }
  if (status.details.kind === 'namespaces' && route.resource !== 'namespaces') {
    return { code: 'API_NAMESPACE_MISSING', reason: 'NamespaceMissing', retry: 'backoff' };
  }
  return { code: 'API_NOT_FOUND', reason: 'NotFound', retry: 'backoff' };
}

function isUidGuard(status: ParsedStatus): boolean {
  const { causes } = status.details;
  return causes.length > 0 && causes.every((cause) => cause.field === 'metadata.uid');
}

/** What a JSON patch that does not fit the object answers: no cause, no name. */
function isPatchMisfit(status: ParsedStatus, route: CallRoute): boolean {
  return route.verb === 'jsonPatch' && status.details.causes.length === 0 && status.details.name === '';
}

function fieldConflicts(status: ParsedStatus): { manager: string; field: string }[] {
  if (status.statusCode !== 409) return [];
  return status.details.causes
    .filter((cause) => cause.reason === 'FieldManagerConflict')
    .map((cause) => ({ manager: managerOf(cause.message), field: cause.field }));
}

/** `conflict with "kubectl" using apps/v1` → `kubectl`; the server quotes the name as Go does. */
function managerOf(message: string): string {
  const [, quoted] = /^conflict with ("(?:[^"\\]|\\.)*")/.exec(message) ?? [];
  if (quoted === undefined) return message;
  try {
    return text(parseJson(quoted));
  } catch {
    return quoted.slice(1, -1); // an escape that Go has and JSON lacks
  }
}

const TYPED_PATCH = /^failed to create typed patch object \([^)]*\): (?:errors:\s*)?([^\s:]*): (.*)/s;

/** Undefined where the object is not to blame; else the field, empty where none is named. */
function invalidField(status: ParsedStatus, route: CallRoute): string | undefined {
  if (!WRITES.has(route.verb) || refusalOf(status, route) !== undefined) return undefined;
  switch (status.statusCode) {
    case 422:
      if (isUidGuard(status) || isPatchMisfit(status, route)) return undefined;
      return status.details.causes.find((cause) => cause.field !== '')?.field ?? '';
    case 400:
    case 413:
      return '';
    case 500: {
      if (status.reason !== '') return undefined;
      const field = TYPED_PATCH.exec(status.message)?.[1];
      if (field !== undefined) return field;
      return /^failed to (?:create typed patch|convert new) object/.test(status.message) ? '' : undefined;
    }
    default:
      return undefined;
  }
}

function isSecret(route: CallRoute): boolean {
  return route.resource === 'secrets';
}

function withoutMessages(details: StatusDetails): StatusDetails {
  return { ...details, causes: details.causes.map((cause) => ({ ...cause, message: cause.reason })) };
}

/** The server quotes offending values: what it says about a Secret's content is cut down to the places. */
function secretSafe(status: ParsedStatus): string {
  const field = TYPED_PATCH.exec(status.message)?.[1];
  if (field !== undefined) return `${field}: does not fit the schema`;
  if (status.details.causes.length > 0 && status.statusCode === 422) {
    return status.details.causes.map((cause) => `${cause.field}: ${cause.reason}`).join(', ');
  }
  return shortened(status.message);
}

function describe(status: ParsedStatus, route: CallRoute): string {
  const target = [route.namespace, route.name].filter((part) => part !== undefined).join('/');
  const words = isSecret(route) ? secretSafe(status) : shortened(status.message);
  const what =
    target === '' ? `${route.verb} ${route.resource}` : `${route.verb} ${route.resource} ${target}`;
  const reason = status.reason === '' ? String(status.statusCode) : `${status.statusCode} ${status.reason}`;
  return `${what}: ${words === '' ? 'no message' : words} (${reason})`;
}
