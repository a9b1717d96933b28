import type { EgressStream } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { GitAccess } from './access.ts';
import { notGit } from './failures.ts';
import type { GitReference } from './reference.ts';

/** A server's wish to be left alone is met for this long at most. */
const MAX_RETRY_MS = 60 * 60_000;

/** What an answer other than 200 means. Servers hide private repositories behind 401 or 404, so both say both. */
export function statusFailure(
  { statusCode, headers }: Pick<EgressStream, 'headers' | 'statusCode'>,
  { place }: GitReference,
  { credentials }: GitAccess,
): SourceError {
  if (statusCode === 401 || statusCode === 403) {
    const why =
      credentials === undefined
        ? `wants credentials (${statusCode}), or there is no such repository: name a Secret in pullSecretRef`
        : `refuses the credentials (${statusCode}), or there is no such repository`;
    return new SourceError('SOURCE_AUTH', `${place} ${why}`);
  }
  if (statusCode === 404 || statusCode === 410) {
    const hint =
      credentials === undefined
        ? 'it may be private, and want credentials'
        : 'or the credentials may not read it';
    return new SourceError('SOURCE_NOT_FOUND', `there is no repository ${place} (${statusCode}); ${hint}`);
  }
  if (statusCode === 429 || statusCode >= 500) {
    const afterMs = retryAfter(headers.get('retry-after')?.[0]);
    return new SourceError(
      'SOURCE_UNAVAILABLE',
      `${place} can't answer now (${statusCode})`,
      afterMs === undefined ? {} : { retry: { afterMs } },
    );
  }
  return notGit(place, `status ${statusCode}`);
}

/** In seconds; the form with a date is rare, and would need a clock that agrees with theirs. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return undefined;
  return Math.min(Number(value) * 1000, MAX_RETRY_MS);
}

/** Waits for the end of an answer that is not wanted; how it ends makes no difference. */
export async function quietly(end: Promise<void>): Promise<void> {
  await end.catch(() => undefined);
}
