import type { Condition } from '../api/index.ts';

/** Longest message that the CRDs accept in a condition. */
export const MAX_CONDITION_MESSAGE_LENGTH = 1024;

export interface ConditionInput {
  readonly type: string;
  readonly status: Condition['status'];
  /** CamelCase. */
  readonly reason: string;
  /** Cut to {@link MAX_CONDITION_MESSAGE_LENGTH}. */
  readonly message: string;
  readonly observedGeneration?: number | undefined;
}

/**
 * The list with one condition set. Order is kept, a new one comes last, and `lastTransitionTime` changes only with
 * `status`.
 * @param nowIso RFC 3339, whole seconds
 * @returns the same list when nothing changed
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  input: ConditionInput,
  nowIso: string,
): readonly Condition[] {
  const list = conditions ?? [];
  const known = findCondition(list, input.type);
  const next: Condition = {
    type: input.type,
    status: input.status,
    reason: input.reason,
    message: clip(input.message, MAX_CONDITION_MESSAGE_LENGTH),
    lastTransitionTime: known?.status === input.status ? known.lastTransitionTime : nowIso,
    ...(input.observedGeneration === undefined ? {} : { observedGeneration: input.observedGeneration }),
  };
  if (known === undefined) return [...list, next];
  return isEqual(known, next) ? list : list.map((condition) => (condition === known ? next : condition));
}

/** The list without the condition of this type; the same list where there is none. */
export function removeCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): readonly Condition[] {
  const list = conditions ?? [];
  return findCondition(list, type) === undefined ? list : list.filter((condition) => condition.type !== type);
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/** True when writing `right` over `left` would change nothing, order included. */
export function areConditionsEqual(
  left: readonly Condition[] | undefined,
  right: readonly Condition[] | undefined,
): boolean {
  const [a, b] = [left ?? [], right ?? []];
  return a.length === b.length && a.every((condition, index) => isEqual(condition, b[index]));
}

function isEqual(left: Condition, right: Condition | undefined): boolean {
  return (
    left.type === right?.type &&
    left.status === right.status &&
    left.reason === right.reason &&
    left.message === right.message &&
    left.lastTransitionTime === right.lastTransitionTime &&
    left.observedGeneration === right.observedGeneration
  );
}

function clip(text: string, limit: number): string {
  // A cut never leaves half of a surrogate pair, which is no valid text.
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
