// What goes wrong with a registry, in our words. Nothing that a registry sends is repeated, but for the codes that the
// distribution specification knows: an answer can hold anything, also what it was asked with.
import { parseRetryAfter } from '../backoff/index.ts';
import { EgressError, type Trouble, troubleOf } from '../egress/index.ts';
import { messageOf, type Retry, SourceError } from '../errors.ts';
import { isJsonArray, isJsonObject, parseJsonIfAny } from '../json/index.ts';

/** Codes of errors that may be repeated. */
const KNOWN_CODES: ReadonlySet<string> = new Set(
  (
    'BLOB_UNKNOWN BLOB_UPLOAD_INVALID BLOB_UPLOAD_UNKNOWN DENIED DIGEST_INVALID MANIFEST_BLOB_UNKNOWN ' +
    'MANIFEST_INVALID MANIFEST_UNKNOWN MANIFEST_UNVERIFIED NAME_INVALID NAME_UNKNOWN SIZE_INVALID TAG_INVALID ' +
    'TOOMANYREQUESTS UNAUTHORIZED UNAVAILABLE UNKNOWN UNSUPPORTED'
  ).split(' '),
);

/** A registry that does not answer, or not now. */
export class RegistryUnavailable extends SourceError {
  /** How long to wait at least before another try within the same call; undefined where none helps. */
  readonly quickRetryMs: number | undefined;
  /** Of its answer, where it gave one that says no more than that. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: { readonly quickRetryMs?: number; readonly retry?: Retry; readonly status?: number } = {},
  ) {
    const { quickRetryMs, status, ...more } = options;
    super('SOURCE_UNAVAILABLE', message, more);
    this.quickRetryMs = quickRetryMs;
    this.status = status;
  }
}

/** What a failed request was for. */
export interface FailedRequest {
  /** The reference, as people write it. */
  readonly shown: string;
  /** Who was asked. */
  readonly host: string;
  readonly hasCredentials: boolean;
}

/** A bug stays what it is; what the network or the guard says becomes a SourceError. */
export function sourceErrorOf(
  error: unknown,
  { shown, host }: Pick<FailedRequest, 'host' | 'shown'>,
): unknown {
  if (error instanceof SourceError) return error;
  if (error instanceof EgressError) return ofEgress(error, shown, host);
  if (!(error instanceof Error && 'code' in error)) return error;
  const { kind, words } = troubleOf(error);
  const message = `${shown}: ${host} ${words}${hintOf(kind, words)}`;
  if (kind === 'material') return new SourceError('SOURCE_AUTH', message);
  const isWorthATry = kind === 'connection' || kind === 'silence';
  return new RegistryUnavailable(message, isWorthATry ? { quickRetryMs: 0 } : {});
}

/** The error of an answer that is not what was asked for. `now` is the time of the day, for dates in the answer. */
export function statusError(
  {
    status,
    codes,
    retryAfter,
  }: { readonly status: number; readonly codes: readonly string[]; readonly retryAfter?: string },
  { shown, host, hasCredentials }: FailedRequest,
  now: number,
): SourceError {
  const said = codes.length === 0 ? `status ${status}` : `status ${status}, ${codes.join(', ')}`;
  if (status === 401 || (status === 403 && !codes.includes('TOOMANYREQUESTS'))) {
    const refused = hasCredentials
      ? `${host} does not let these credentials do this`
      : `${host} wants credentials for it, or there is no such repository`;
    return new SourceError('SOURCE_AUTH', `${shown}: ${refused} (${said})`);
  }
  if (status === 404) {
    const missing = codes.includes('NAME_UNKNOWN') ? 'no such repository' : 'nothing under this name';
    return new SourceError('SOURCE_NOT_FOUND', `${shown}: ${host} has ${missing} (${said})`);
  }
  const message = `${shown}: ${host} answers with ${said}`;
  if (status !== 429 && status < 500) return new RegistryUnavailable(message, { status });
  const waitMs = parseRetryAfter(retryAfter, now);
  if (waitMs !== undefined)
    return new RegistryUnavailable(message, { quickRetryMs: waitMs, retry: { afterMs: waitMs } });
  return new RegistryUnavailable(message, status === 429 ? {} : { quickRetryMs: 0 });
}

/** The codes in the body of an error, as far as they are known ones. */
export function errorCodes(body: Buffer): readonly string[] {
  const value = parseJsonIfAny(body.toString('utf8'));
  const errors = isJsonObject(value) ? value['errors'] : undefined;
  if (!isJsonArray(errors)) return [];
  const codes = errors.slice(0, 10).map((error) => (isJsonObject(error) ? error['code'] : undefined));
  const known = codes.filter((code) => typeof code === 'string' && KNOWN_CODES.has(code)).map(String);
  return [...new Set(known)];
}

function ofEgress(error: EgressError, shown: string, host: string): SourceError {
  if (error.code === 'EGRESS_REFUSED')
    return new SourceError('SOURCE_REFUSED', `${shown}: ${messageOf(error)}`);
  if (error.code === 'EGRESS_TOO_LARGE')
    return new SourceError('SOURCE_TOO_LARGE', `${shown}: ${host} answers, but ${messageOf(error)}`);
  const subject = error.code === 'EGRESS_TIMEOUT' ? `${host} ` : '';
  return new RegistryUnavailable(`${shown}: ${subject}${messageOf(error)}`);
}

function hintOf(kind: Trouble['kind'], words: string): string {
  if (kind !== 'protocol' || !words.includes('TLS')) return '';
  return '; plain http must be allowed: the operator has --plain-http-host for it, a command --plain-http';
}
