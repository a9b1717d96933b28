// Sets of fields as `fieldsV1` writes them: united, and split along an object.
import type { JsonObject, JsonValue } from '../../json/index.ts';
import { isJsonObject } from '../../json/index.ts';
import { below, follow, isLeaf } from './field-path.ts';

/** Everything that either of the two has. */
export function unionFields(left: JsonObject, right: JsonObject): JsonObject {
  const union: Record<string, JsonObject[string]> = { ...left };
  for (const [key, value] of Object.entries(right)) {
    const own = union[key];
    union[key] = isJsonObject(own) && isJsonObject(value) ? unionFields(own, value) : value;
  }
  return union;
}

/** A set in two parts; a part without fields is undefined. */
export interface SplitFields {
  /** Fields that the object has a value for. */
  readonly stated: JsonObject | undefined;
  readonly rest: JsonObject | undefined;
}

/**
 * Splits a set by whether `object` has a value at the path. That a struct or a list element exists (`.`) stays in the
 * rest as long as anything below it does.
 */
export function splitFields(fields: JsonObject, object: JsonValue | undefined): SplitFields {
  const stated: Record<string, JsonObject> = {};
  const rest: Record<string, JsonObject> = {};
  for (const element in fields) {
    const child = element === '.' ? undefined : below(fields, element);
    if (child === undefined) continue;
    const { value } = follow(object, element);
    const parts: SplitFields =
      value === undefined
        ? { stated: undefined, rest: child }
        : isLeaf(child)
          ? { stated: child, rest: undefined }
          : splitFields(child, value);
    if (parts.stated !== undefined) stated[element] = parts.stated;
    if (parts.rest !== undefined) rest[element] = parts.rest;
  }
  const isKept = Object.keys(rest).length > 0;
  const isStated = Object.keys(stated).length > 0;
  const marker = below(fields, '.');
  return {
    stated: isStated || !isKept ? withMarker(stated, marker) : undefined,
    rest: isKept ? withMarker(rest, marker) : undefined,
  };
}

function withMarker(fields: JsonObject, marker: JsonObject | undefined): JsonObject {
  return marker === undefined ? fields : { '.': marker, ...fields };
}

/** The set without one path; undefined where nothing is left. */
export function withoutPath(fields: JsonObject, path: readonly string[]): JsonObject | undefined {
  const [head, ...tail] = path;
  const child = head === undefined ? undefined : below(fields, head);
  if (head === undefined || child === undefined) return fields;
  const { [head]: _removed, ...others } = fields;
  const left = tail.length === 0 ? undefined : withoutPath(child, tail);
  const kept = left === undefined ? others : { ...others, [head]: left };
  return Object.keys(kept).every((element) => element === '.') ? undefined : kept;
}
