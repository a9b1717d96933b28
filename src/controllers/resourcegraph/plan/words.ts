// What a plan says of an object in words. Of a Secret the server's words are not passed on: they may quote values.
import type { KubeObject } from '../../../api/index.ts';
import { InvalidObjectError, messageOf, PequodError } from '../../../errors.ts';
import { isSecret } from '../../../planning/index.ts';

/** Why the object is refused. */
export function refusal(object: Pick<KubeObject, 'apiVersion' | 'kind'>, error: unknown): string {
  // These words are ours, and the client has cut the values of Secrets from those of the server in them.
  const isOurWording = error instanceof PequodError && error.code === 'IMMUTABLE_FIELD';
  if (!isSecret(object) || isOurWording) return messageOf(error);
  const reason = error instanceof PequodError ? error.reason : 'InternalError';
  const field = error instanceof InvalidObjectError ? error.field : undefined;
  return field === undefined ? `refused: ${reason}` : `refused: ${reason} at ${field}`;
}

/** `a, b and 3 more`; `nobody` for none. */
export function listed(words: readonly string[], limit: number): string {
  const rest = words.length - limit;
  const text = words.slice(0, limit).join(', ');
  return words.length === 0 ? 'nobody' : rest > 0 ? `${text} and ${rest} more` : text;
}
