// Every error that Pequod raises says how it is handled: a stable code, whether and when to try again, and the
// condition reason that it becomes. Nobody reads message text to decide. Each code has a row in docs/errors.md.

/**
 * When the work that failed is worth another try.
 * - `never`: not until the spec, the source or the world changes (an event brings it back).
 * - `backoff`: with the work queue's exponential delay.
 * - `backoffToMs`: likewise, but never later than that: what refuses is likely to be put right by somebody soon.
 * - `afterMs`: not before that many milliseconds.
 */
export type Retry = 'never' | 'backoff' | { readonly backoffToMs: number } | { readonly afterMs: number };

/** What every {@link PequodError} carries besides its message. */
export interface ErrorDetails {
  /** Stable identifier, `SCREAMING_SNAKE_CASE`, with a row in `docs/errors.md`. */
  readonly code: string;
  readonly retry: Retry;
  /** CamelCase reason for the condition that reports this error. */
  readonly reason: string;
  readonly cause?: unknown;
}

/** Whether the delay grows from one failure to the next. */
export function isBackoff(retry: Retry): retry is 'backoff' | { readonly backoffToMs: number } {
  return retry === 'backoff' || (typeof retry === 'object' && 'backoffToMs' in retry);
}

/** The delay that an error asks for by itself; undefined where there is none, or one that grows. */
export function askedDelayMs(retry: Retry): number | undefined {
  return typeof retry === 'object' && 'afterMs' in retry ? retry.afterMs : undefined;
}

/** How long to wait where nobody counts failures: what the error asks for, or the longest that its delays grow to. */
export function longestDelayMs(retry: Exclude<Retry, string>): number {
  return 'afterMs' in retry ? retry.afterMs : retry.backoffToMs;
}

/** How long an invalid object or a foreign field owner is left alone before it is tried again: 5 minutes. */
export const INVALID_RETRY_MS: number = 5 * 60_000;

/** Base of all errors that Pequod raises on purpose. Anything else that is thrown is a bug and is logged as one. */
export class PequodError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly reason: string;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.retry = details.retry;
    this.reason = details.reason;
  }
}

/** The spec or the module alone is wrong (a cycle, a bad reference): retried when spec or source changes. */
export class TerminalError extends PequodError {
  constructor(message: string, details: Omit<ErrorDetails, 'retry'>) {
    super(message, { ...details, retry: 'never' });
  }
}

/** Reason of a node whose object the API server refuses for its content. */
export const INVALID_OBJECT = 'InvalidObject' as const;

/** The API server refuses the object for its content: 422, or a 500 that is the author's. `field` names the place. */
export class InvalidObjectError extends PequodError {
  readonly field: string | undefined;

  constructor(message: string, details: Partial<ErrorDetails> & { readonly field?: string | undefined }) {
    super(message, {
      code: 'INVALID_OBJECT',
      reason: INVALID_OBJECT,
      retry: { afterMs: INVALID_RETRY_MS },
      ...details,
    });
    this.field = details.field;
  }
}

/** Something that is expected is not there yet: a kind, a namespace, a dependency. */
export class WaitingError extends PequodError {
  constructor(message: string, details: Partial<ErrorDetails> & { readonly afterMs: number }) {
    super(message, { code: 'WAITING', reason: 'Waiting', ...details, retry: { afterMs: details.afterMs } });
  }
}

/** Reason of a node some of whose fields others hold. */
export const FIELD_CONFLICT = 'FieldConflict' as const;

/** Reason of a node with a field that can't be changed while its object exists. */
export const IMMUTABLE_FIELD = 'ImmutableField' as const;

/** Another field manager holds fields that we would have to take. */
export class ApplyConflictError extends PequodError {
  /** Who holds which field, as the API server named them. */
  readonly conflicts: readonly FieldConflict[];

  constructor(message: string, conflicts: readonly FieldConflict[], cause?: unknown) {
    super(message, {
      code: 'FIELD_CONFLICT',
      reason: FIELD_CONFLICT,
      retry: { afterMs: INVALID_RETRY_MS },
      cause,
    });
    this.conflicts = conflicts;
  }
}

export interface FieldConflict {
  readonly manager: string;
  /** Field path as the API server writes it, e.g. `.spec.replicas`. */
  readonly field: string;
}

/**
 * Why a module could not be had.
 * - `SOURCE_NOT_FOUND`: the reference leads nowhere.
 * - `SOURCE_INVALID`: the reference or the content can't be a module: a path that leaves the tree, text that is not UTF-8.
 * - `SOURCE_TOO_LARGE`: more bytes, files or time than a module may have.
 * - `SOURCE_CHANGED`: the content is no longer what was resolved a moment ago.
 * - `SOURCE_AUTH`: the place wants credentials, or other ones.
 * - `SOURCE_DIGEST`: bytes that do not have the digest that they were asked for by.
 * - `SOURCE_UNAVAILABLE`: the place does not answer, or answers that it can't now.
 * - `SOURCE_REFUSED`: an administrator's rule, or ours, does not let this place be asked, or credentials be sent there.
 * - `SOURCE_UNVERIFIED`: no signature that `verify` asks for.
 */
export type SourceErrorCode =
  | 'SOURCE_AUTH'
  | 'SOURCE_CHANGED'
  | 'SOURCE_DIGEST'
  | 'SOURCE_INVALID'
  | 'SOURCE_NOT_FOUND'
  | 'SOURCE_REFUSED'
  | 'SOURCE_TOO_LARGE'
  | 'SOURCE_UNAVAILABLE'
  | 'SOURCE_UNVERIFIED';

const SOURCE_HANDLING: Readonly<Record<SourceErrorCode, { readonly reason: string; readonly retry: Retry }>> =
  {
    SOURCE_AUTH: { reason: 'SourceUnauthorized', retry: 'backoff' },
    SOURCE_CHANGED: { reason: 'SourceChanged', retry: 'backoff' },
    SOURCE_DIGEST: { reason: 'SourceDigestMismatch', retry: { afterMs: INVALID_RETRY_MS } },
    SOURCE_INVALID: { reason: 'SourceInvalid', retry: { afterMs: INVALID_RETRY_MS } },
    SOURCE_NOT_FOUND: { reason: 'SourceNotFound', retry: 'backoff' },
    SOURCE_REFUSED: { reason: 'SourceRefused', retry: { afterMs: INVALID_RETRY_MS } },
    SOURCE_TOO_LARGE: { reason: 'SourceTooLarge', retry: { afterMs: INVALID_RETRY_MS } },
    SOURCE_UNAVAILABLE: { reason: 'SourceUnavailable', retry: 'backoff' },
    SOURCE_UNVERIFIED: { reason: 'SourceUnverified', retry: 'backoff' },
  };

/** A module could not be fetched; the last good graph stays in force. Becomes `Fetched=False`. */
export class SourceError extends PequodError {
  override readonly code: SourceErrorCode;

  /** `retry` overrides the code's own, e.g. `never` where only a change of the spec can help. */
  constructor(
    code: SourceErrorCode,
    message: string,
    options: { readonly retry?: Retry; readonly cause?: unknown } = {},
  ) {
    super(message, { code, ...SOURCE_HANDLING[code], ...options });
    this.code = code;
  }
}

/** True for a failure of a source with one of these codes. */
export function isSourceError(error: unknown, ...codes: readonly SourceErrorCode[]): error is SourceError {
  return error instanceof SourceError && codes.includes(error.code);
}

/**
 * A place was not asked, because of what it did a moment ago. That is no news of the place: who was told what it did
 * goes on saying that.
 */
export class NotAskedError extends SourceError {
  constructor(message: string, afterMs: number) {
    super('SOURCE_UNAVAILABLE', message, { retry: { afterMs } });
  }
}

/** Whether an error comes of a place that was asked, and not of one that is left alone for a while. */
export function isNews(error: unknown): boolean {
  if (error instanceof NotAskedError) return false;
  return !(error instanceof SourceError) || error.cause === undefined || isNews(error.cause);
}

/** One line of text for an unknown thrown value, never longer than `limit` characters. */
export function messageOf(error: unknown, limit: number = 512): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}

/** Proves to the compiler that a closed union has been handled whole. */
export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
