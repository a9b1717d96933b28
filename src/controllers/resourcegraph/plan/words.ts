// What a plan says of an object in words. Of a Secret the server's words are not passed on: they may quote values.
import type { KubeObject } from '../../../api/index.ts';
import { InvalidObjectError, messageOf, PequodError } from '../../../errors.ts';
import { isSecret } from '../../../planning/index.ts';

const MAX_MANAGERS = 8;

/** Why the API server refused the object. */
export function refusal(object: Pick<KubeObject, 'apiVersion' | 'kind'>, error: unknown): string {
  if (!isSecret(object)) return messageOf(error);
  const reason = error instanceof PequodError ? error.reason : 'InternalError';
  const field = error instanceof InvalidObjectError ? error.field : undefined;
  return field === undefined ? `refused: ${reason}` : `refused: ${reason} at ${field}`;
}

/** Who holds fields of a live object. */
export function managersOf({ metadata }: KubeObject): string {
  const names = (metadata.managedFields ?? []).map(
    ({ manager = 'unknown', operation = 'Update' }) => `${manager} (${operation})`,
  );
  const unique = [...new Set(names)];
  const rest = unique.length - MAX_MANAGERS;
  const listed = unique.slice(0, MAX_MANAGERS).join(', ');
  return unique.length === 0 ? 'nobody' : rest > 0 ? `${listed} and ${rest} more` : listed;
}
