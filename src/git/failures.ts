// What goes wrong with a git server, as errors of a source. What a server says is quoted only where it was told no secret:
// it could say the secret back.
import { EgressError, troubleOf } from '../egress/index.ts';
import { messageOf, PequodError, SourceError } from '../errors.ts';
import type { GitAccess } from './access.ts';
import { PktLineError } from './pkt-line.ts';
import type { GitReference } from './reference.ts';

/** What the server says, as the end of a message; nothing where it knows a password or a token. */
export function quoted(text: string, access: GitAccess): string {
  const mayQuote = access.credentials === undefined || access.credentials.type === 'ssh';
  const line = messageOf(text.replace(/\p{C}/gu, ' '), 200);
  return mayQuote && line !== '' ? `: ${line}` : '';
}

/** An error of the network or the protocol as a source's; one that says already how it is handled stays as it is. */
export function asSourceError(error: unknown, { place }: GitReference): PequodError {
  if (error instanceof EgressError) return fromEgress(error, place);
  if (error instanceof PequodError) return error;
  if (error instanceof PktLineError) return notGit(place, error.message, error);
  return new SourceError('SOURCE_UNAVAILABLE', `${place} ${troubleOf(error).words}`, { cause: error });
}

/** The place answers, but not as a git server does. */
export function notGit(place: string, why: string, cause?: unknown): SourceError {
  return new SourceError('SOURCE_INVALID', `${place} does not answer like a git repository: ${why}`, {
    cause,
  });
}

/** Runs `work` under a time limit of its own. @throws SourceError, and the signal's reason where the caller gave up. */
export async function withinTime<T>(
  reference: GitReference,
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    signal.throwIfAborted();
    return await work(AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (!timeout.aborted) throw asSourceError(error, reference);
    throw new SourceError(
      'SOURCE_UNAVAILABLE',
      `${reference.place} took over ${Math.ceil(timeoutMs / 1000)} s and was given up`,
      { cause: error },
    );
  }
}

function fromEgress(error: EgressError, place: string): SourceError {
  const cause = error;
  if (error.code === 'EGRESS_REFUSED') return new SourceError('SOURCE_REFUSED', error.message, { cause });
  if (error.code === 'EGRESS_TOO_LARGE') {
    return new SourceError('SOURCE_TOO_LARGE', `${place} sends too much: ${error.message}`, { cause });
  }
  return new SourceError('SOURCE_UNAVAILABLE', `${place} does not answer: ${error.message}`, { cause });
}
