import { INVALID_RETRY_MS, PequodError, type Retry } from '../errors.ts';

/**
 * Why a module could not be had.
 * - `SOURCE_NOT_FOUND`: the reference leads nowhere.
 * - `SOURCE_INVALID`: the reference or the content can't be a module: a path that leaves the tree, text that is not UTF-8.
 * - `SOURCE_TOO_LARGE`: more bytes or files than a module may have.
 * - `SOURCE_CHANGED`: the content is no longer what was resolved a moment ago.
 */
export type SourceErrorCode = 'SOURCE_CHANGED' | 'SOURCE_INVALID' | 'SOURCE_NOT_FOUND' | 'SOURCE_TOO_LARGE';

const HANDLING: Readonly<Record<SourceErrorCode, { readonly reason: string; readonly retry: Retry }>> = {
  SOURCE_CHANGED: { reason: 'SourceChanged', retry: 'backoff' },
  SOURCE_INVALID: { reason: 'SourceInvalid', retry: { afterMs: INVALID_RETRY_MS } },
  SOURCE_NOT_FOUND: { reason: 'SourceNotFound', retry: 'backoff' },
  SOURCE_TOO_LARGE: { reason: 'SourceTooLarge', retry: { afterMs: INVALID_RETRY_MS } },
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
    super(message, { code, ...HANDLING[code], ...options });
    this.code = code;
  }
}
