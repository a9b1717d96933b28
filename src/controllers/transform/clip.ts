// Texts and lists as the CRDs take them: a module may say more than a status can hold, and must not make it unwritable.
import { MAX_MESSAGE_LENGTH, MAX_VIOLATIONS } from '../../api/crd/index.ts';
import type { Violation } from '../../api/index.ts';

const MAX_TOKEN_LENGTH = 1024;
const MAX_PATH_LENGTH = 1024;
const MAX_POLICY_LENGTH = 253;
const MAX_POSITION_LENGTH = 512;

/** The text, cut to `limit` characters with an ellipsis at the end. */
export function clipText(text: string, limit: number): string {
  // A cut never leaves half of a surrogate pair, which is no valid text.
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** The token of a reconcile that was asked for, as it is kept in statuses and compared. */
export function clipToken(token: string): string {
  return clipText(token, MAX_TOKEN_LENGTH);
}

/** Errors first, then the rest, as many as fit; the last one says how many did not. */
export function clipViolations(violations: readonly Violation[]): readonly Violation[] {
  const isError = ({ severity }: Violation): boolean => severity === 'Error';
  const sorted = [...violations.filter(isError), ...violations.filter((found) => !isError(found))];
  if (sorted.length <= MAX_VIOLATIONS) return sorted.map(clipViolation);
  const left = sorted.slice(0, MAX_VIOLATIONS - 1).map(clipViolation);
  const message = `and ${sorted.length - left.length} more`;
  return [...left, { path: '', message, severity: sorted[left.length]?.severity ?? 'Info' }];
}

function clipViolation({ path, message, severity, policy, position }: Violation): Violation {
  return {
    path: clipText(path, MAX_PATH_LENGTH),
    message: clipText(message, MAX_MESSAGE_LENGTH),
    severity,
    ...(policy === undefined ? {} : { policy: clipText(policy, MAX_POLICY_LENGTH) }),
    ...(position === undefined ? {} : { position: clipText(position, MAX_POSITION_LENGTH) }),
  };
}
