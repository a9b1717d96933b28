import { isJsonObject, type JsonValue } from '../../src/json/index.ts';

/** The value at a path of members; undefined where there is none. */
export function member(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let at = value;
  for (const key of path) at = isJsonObject(at) ? at[key] : undefined;
  return at;
}
