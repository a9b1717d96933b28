// RFC 6901 JSON pointers over immutable JSON values. Setting and removing return a copy that shares what did not change.
import { isJsonArray, isJsonObject, type JsonValue } from './value.ts';

/** `a/b` → `a~1b`. */
export function escapePointerSegment(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * Splits a pointer into its segments; the empty pointer is the whole document.
 * @throws RangeError when it neither is empty nor starts with a slash.
 */
export function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new RangeError(`not a JSON pointer: ${pointer}`);
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function child(value: JsonValue | undefined, segment: string): JsonValue | undefined {
  if (isJsonArray(value)) return /^(0|[1-9]\d*)$/.test(segment) ? value[Number(segment)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

/** The value at the pointer, or undefined where any step is missing. */
export function getPointer(value: JsonValue | undefined, pointer: string): JsonValue | undefined {
  return parsePointer(pointer).reduce(child, value);
}

/** A copy with the member at the pointer removed; the same value where there is none. Empty parents stay. */
export function removePointer<T extends JsonValue>(value: T, pointer: string): T {
  const segments = parsePointer(pointer);
  return (getPointer(value, pointer) === undefined ? value : removeAt(value, segments)) as T;
}

function removeAt(value: JsonValue, segments: readonly string[]): JsonValue {
  const [head, ...rest] = segments;
  if (head === undefined) return value;
  if (isJsonArray(value)) {
    const index = Number(head);
    if (rest.length === 0) return value.filter((_, at) => at !== index);
    return value.map((item, at) => (at === index ? removeAt(item, rest) : item));
  }
  if (!isJsonObject(value)) return value;
  const { [head]: member, ...others } = value;
  if (rest.length === 0 || member === undefined) return others;
  return { ...value, [head]: removeAt(member, rest) };
}

/** A copy with `member` at the pointer; missing parents become objects. Array elements must exist. */
export function setPointer<T extends JsonValue>(value: T, pointer: string, member: JsonValue): T {
  return setAt(value, parsePointer(pointer), member) as T;
}

function setAt(value: JsonValue | undefined, segments: readonly string[], member: JsonValue): JsonValue {
  const [head, ...rest] = segments;
  if (head === undefined) return member;
  if (isJsonArray(value)) {
    const index = Number(head);
    return value.map((item, at) => (at === index ? setAt(item, rest, member) : item));
  }
  const parent = isJsonObject(value) ? value : {};
  return { ...parent, [head]: setAt(parent[head], rest, member) };
}
