import { isJsonObject, type JsonObject, type JsonValue } from '../../src/json/index.ts';

/** The value at a path of members; undefined where there is none. */
export function member(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let at = value;
  for (const key of path) at = isJsonObject(at) ? at[key] : undefined;
  return at;
}

/** The object at a path of members. @throws Error where there is none. */
export function objectAt(value: JsonValue | undefined, ...path: readonly string[]): JsonObject {
  const found = member(value, ...path);
  if (!isJsonObject(found)) throw new Error(`there is no object at ${path.join('.')}`);
  return found;
}
