// Tolerant reading of live objects: a status is whatever its controller wrote, so nothing is taken for granted.
import type { KubeObject } from '../../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../json/index.ts';

/** A condition of any object, with what is missing left out. */
export interface ReadCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** The member at a path of names; undefined where any step is missing. */
export function memberAt(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let at = value;
  for (const name of path) at = isJsonObject(at) ? at[name] : undefined;
  return at;
}

export function numberAt(value: JsonValue | undefined, ...path: readonly string[]): number | undefined {
  const found = memberAt(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

export function textAt(value: JsonValue | undefined, ...path: readonly string[]): string | undefined {
  const found = memberAt(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** The objects of a list; nothing where it is none. */
export function objectsAt(value: JsonValue | undefined, ...path: readonly string[]): readonly JsonObject[] {
  const found = memberAt(value, ...path);
  return isJsonArray(found) ? found.filter(isJsonObject) : [];
}

/** `status.conditions`, those with a type. */
export function conditionsOf(object: KubeObject): readonly ReadCondition[] {
  const found: ReadCondition[] = [];
  for (const condition of objectsAt(object, 'status', 'conditions')) {
    const type = textAt(condition, 'type');
    if (type === undefined) continue;
    const observedGeneration = numberAt(condition, 'observedGeneration');
    found.push({
      type,
      status: textAt(condition, 'status') ?? '',
      reason: textAt(condition, 'reason') ?? '',
      message: textAt(condition, 'message') ?? '',
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
    });
  }
  return found;
}

export function conditionOf(conditions: readonly ReadCondition[], type: string): ReadCondition | undefined {
  return conditions.find((condition) => condition.type === type);
}
