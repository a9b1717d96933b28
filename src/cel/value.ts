// JSON as CEL sees it, and back. Integers become CEL ints, objects become maps with the keys that they have, whatever
// these are called, and what JSON can't say (bytes, types, NaN) is refused on the way back.
import { Optional } from '@marcbachmann/cel-js';
import {
  canonicalJson,
  isJsonArray,
  isRawJson,
  type JsonObject,
  type JsonValue,
  rawJson,
} from '../json/index.ts';
import { MAX_RESULT_BYTES, MAX_RESULT_DEPTH } from './limits.ts';

/** A value in an evaluation: bigint for int, number for double, Map for map. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly CelValue[]
  | ReadonlyMap<string, CelValue>;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

export function toCel(value: JsonValue): CelValue {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (isRawJson(value)) return toNumber(value.rawJSON);
  if (isJsonArray(value)) return value.map(toCel);
  return toMap(value);
}

/** `1.0` and `1e3` are doubles, as in JSON that Kubernetes reads; so are integers that no int64 holds. */
function toNumber(text: string): CelValue {
  if (!/^-?\d+$/.test(text)) return Number(text);
  const int = BigInt(text);
  return isInt64(int) ? int : Number(text);
}

/** The members of an object without those that `isLeftOut` names. */
export function toMap(
  object: JsonObject,
  isLeftOut: (key: string) => boolean = () => false,
): ReadonlyMap<string, CelValue> {
  const map = new Map<string, CelValue>();
  for (const key of Object.keys(object)) {
    const member = object[key];
    if (member !== undefined && !isLeftOut(key)) map.set(key, toCel(member));
  }
  return map;
}

/** What an expression came to; `missing` for an optional value that is not there. */
export type Answer = { readonly value: JsonValue } | { readonly missing: true };

/** @throws RangeError that says why the result is no JSON value, or too large. */
export function fromCel(result: unknown): Answer {
  if (result instanceof Optional) {
    return result.hasValue() ? fromCel(result.value()) : { missing: true };
  }
  const value = toJson(result, 0);
  const bytes = Buffer.byteLength(canonicalJson(value));
  if (bytes > MAX_RESULT_BYTES) {
    throw new RangeError(`the result has ${bytes} bytes as JSON, at most ${MAX_RESULT_BYTES} are allowed`);
  }
  return { value };
}

function toJson(value: unknown, depth: number): JsonValue {
  if (depth > MAX_RESULT_DEPTH) throw new RangeError(`the result is nested deeper than ${MAX_RESULT_DEPTH}`);
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return value;
    case 'bigint':
      return intToJson(value);
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new RangeError(`the result ${value} has no form in JSON`);
    default:
      return compositeToJson(value, depth);
  }
}

function intToJson(value: bigint): JsonValue {
  if (!isInt64(value)) throw new RangeError('the result is an integer of more than 64 bits');
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : rawJson(String(value));
}

function compositeToJson(value: unknown, depth: number): JsonValue {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1));
  if (value instanceof Map) return entriesToJson(value.entries(), depth);
  if (isPlain(value)) return entriesToJson(Object.entries(value), depth);
  if (isDuration(value)) return String(value);
  throw new RangeError('the result is of a type that has no form in JSON');
}

function entriesToJson(entries: Iterable<readonly [unknown, unknown]>, depth: number): JsonObject {
  const members: [string, JsonValue][] = [];
  for (const [key, member] of entries) members.push([String(key), toJson(member, depth + 1)]);
  return Object.fromEntries(members);
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The library's class of durations is not exported; its values say what they are. */
function isDuration(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object google.protobuf.Duration]';
}

function isInt64(value: bigint): boolean {
  return value >= MIN_INT64 && value <= MAX_INT64;
}
