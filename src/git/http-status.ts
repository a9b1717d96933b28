import { parseRetryAfter } from '../backoff/index.ts';
import type { EgressStream } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { GitAccess } from './access.ts';
import { notGit } from './failures.ts';
import type { GitReference } from './reference.ts';

/** What an answer other than 200 means. Servers hide private repositories behind 401 or 404, so both say both. */
export function statusFailure(
  { statusCode, headers }: Pick<EgressStream, 'headers' | 'statusCode'>,
  { place }: GitReference,
  { credentials }: GitAccess,
  nowMs: number,
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
    const afterMs = parseRetryAfter(headers.get('retry-after')?.[0], nowMs);
    return new SourceError(
      'SOURCE_UNAVAILABLE',
      `${place} can't answer now (${statusCode})`,
      afterMs === undefined ? {} : { retry: { afterMs } },
    );
  }
  return notGit(place, `status ${statusCode}`);
}

/** Waits for the end of an answer that is not wanted; how it ends makes no difference. */
export async function quietly(end: Promise<void>): Promise<void> {
  await end.catch(() => undefined);
}
