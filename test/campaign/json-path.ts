// Reading and changing JSON by path, without touching what was there.
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/json/index.ts';

/** Keys of members and indexes of items. */
export type JsonPath = readonly (number | string)[];

/** Undefined where the path leads nowhere. */
export function valueAt(value: JsonValue | undefined, path: JsonPath): JsonValue | undefined {
  let at = value;
  for (const key of path) {
    if (typeof key === 'number') at = isJsonArray(at) ? at[key] : undefined;
    else at = isJsonObject(at) ? at[key] : undefined;
  }
  return at;
}

/** The members of an object there; none where there is no object. */
export function membersAt(value: JsonValue | undefined, path: JsonPath): JsonObject {
  const found = valueAt(value, path);
  return isJsonObject(found) ? found : {};
}

/** The object with another value at the path; undefined takes it away. Objects on the way are made. */
export function withValue(object: JsonObject, path: JsonPath, value: JsonValue | undefined): JsonObject {
  const changed = changedAt(object, path, value);
  if (!isJsonObject(changed)) throw new Error('a path of at least one key leads into an object');
  return changed;
}

function changedAt(
  value: JsonValue | undefined,
  path: JsonPath,
  to: JsonValue | undefined,
): JsonValue | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  if (typeof key === 'number') {
    const items = isJsonArray(value) ? [...value] : [];
    const changed = changedAt(items[key], rest, to);
    if (changed === undefined) items.splice(key, 1);
    else items[key] = changed;
    return items;
  }
  const members: Record<string, JsonValue | undefined> = isJsonObject(value) ? { ...value } : {};
  const changed = changedAt(members[key], rest, to);
  if (changed === undefined) delete members[key];
  else members[key] = changed;
  return members;
}

/** Without these members. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
