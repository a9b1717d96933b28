// Which fields an error says can't be changed on an object that exists. Pure.
//
// The API server has no reason of its own for that, and texts mislead: a value that is quoted may hold the very words. So
// the quoted value is passed over, and nothing is deleted on this verdict alone: `recreate.ts` tries first whether the
// object would be accepted as a new one.
import { InvalidObjectError } from '../errors.ts';
import { ApiError, type StatusCause } from '../kube/index.ts';

/** How the API server, its plugins and the rules of custom resources say that a field stays as it is. */
const WORDINGS: readonly RegExp[] = [
  /\bimmutable\b/i,
  /\bmay not (?:be )?changed?\b/i,
  /\b(?:cannot|can not|can't) (?:be )?changed?\b/i,
  /\bupdates to\b.* (?:is|are) forbidden/i,
  /\bupdates may not change\b/i,
  /==\s*oldSelf\b|\boldSelf(?:\.\w+)*\s*==/,
];

/** Of a Secret the server's words are not passed on; these of its fields can be fixed. */
const FIXED_IN_SECRETS: ReadonlySet<string> = new Set(['data', 'immutable', 'type']);

/** The fields, as the API server names them; none where the error is about something else. */
export function immutableFields(error: unknown): readonly string[] {
  if (!(error instanceof InvalidObjectError)) return [];
  const { cause } = error;
  if (!(cause instanceof ApiError) || cause.statusCode !== 422) return [];
  const isSecret = cause.route.resource === 'secrets';
  const saysImmutable = (each: StatusCause): boolean =>
    isSecret ? FIXED_IN_SECRETS.has(each.field) : WORDINGS.some((wording) => wording.test(verdictOf(each)));
  return [...new Set(cause.causes.filter(saysImmutable).map(({ field }) => field))];
}

/** What the server says of a value, without the value: `Invalid value: {…}: field is immutable`. */
function verdictOf({ reason, message }: StatusCause): string {
  if (reason === 'FieldValueForbidden') return message.split(' @@ ')[0] ?? '';
  return message.slice(message.lastIndexOf(': ') + 1);
}
