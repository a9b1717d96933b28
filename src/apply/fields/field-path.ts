// The path elements of `fieldsV1`: `f:<name>` a member, `k:{…}` a list element by its keys, `v:<json>` a set element,
// `i:<n>` a list element by position, `.` the thing itself.
import {
  canonicalJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJsonIfAny,
} from '../../json/index.ts';

/** What an element leads to within a value; `key` is the JSON pointer segment of it. */
export interface Step {
  readonly value: JsonValue | undefined;
  readonly key: string;
}

/** Follows one element of a `fieldsV1` path from `value`. */
export function follow(value: JsonValue | undefined, element: string): Step {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return {
        value: isJsonObject(value) && Object.hasOwn(value, rest) ? value[rest] : undefined,
        key: rest,
      };
    case 'k:':
      return findInList(value, keyMatcher(rest));
    case 'v:':
      return findInList(value, valueMatcher(rest));
    case 'i:':
      return { value: isJsonArray(value) ? value[Number(rest)] : undefined, key: rest };
    default:
      return { value: undefined, key: element };
  }
}

function findInList(value: JsonValue | undefined, isMatch: (item: JsonValue) => boolean): Step {
  const at = isJsonArray(value) ? value.findIndex(isMatch) : -1;
  return { value: isJsonArray(value) && at >= 0 ? value[at] : undefined, key: String(at) };
}

/** An element matches by every key that it has; a key with a default may be absent from what was sent, but not all. */
function keyMatcher(text: string): (item: JsonValue) => boolean {
  const keys = parseJsonIfAny(text);
  if (!isJsonObject(keys)) return () => false;
  const wanted = Object.entries(keys);
  return (item) => {
    if (!isJsonObject(item)) return false;
    let isFound = false;
    for (const [name, expected] of wanted) {
      const actual = item[name];
      if (actual === undefined) continue;
      if (!isEqual(actual, expected)) return false;
      isFound = true;
    }
    return isFound;
  };
}

function valueMatcher(text: string): (item: JsonValue) => boolean {
  const expected = parseJsonIfAny(text);
  return (item) => isEqual(item, expected);
}

function isEqual(one: JsonValue, other: JsonValue | undefined): boolean {
  return one === other || (typeof one === 'object' && canonicalJson(one) === canonicalJson(other));
}

/** The element as the API server writes it in messages: `.replicas`, `[name="web"]`, `["x"]`, `[2]`. */
export function formatElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (!element.startsWith('k:')) return `[${rest}]`;
  const keys = parseJsonIfAny(rest);
  if (!isJsonObject(keys)) return `[${rest}]`;
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${canonicalJson(value)}`)
    .join(',')}]`;
}

/** The part of `fieldsV1` below an element; undefined where there is none. */
export function below(fields: JsonObject, element: string): JsonObject | undefined {
  const child = fields[element];
  return isJsonObject(child) ? child : undefined;
}

/** True where the path itself is owned as one value; `{".": {}}` owns only that the thing exists. */
export function isLeaf(fields: JsonObject): boolean {
  for (const _ in fields) return false;
  return true;
}
