// The decoder stands where objects come in. Objects may have been stored past the schema, by an older version, or by
// hand, so that nothing is taken for granted; it never throws, and one bad object concerns nobody else.
import { assertNever } from '../../errors.ts';
import { isJsonArray, isJsonObject, isRawJson, type JsonObject, type JsonValue } from '../../json/index.ts';
import type { ObjectNode, Schema, SchemaNode } from './schema.ts';

export interface Problem {
  /** E.g. `spec.nodes[3].id`; empty for the value as a whole. */
  readonly path: string;
  /** E.g. `must be a string, not a number`. Never repeats more than a little of the value. */
  readonly message: string;
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MAX_PROBLEMS = 20;
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Checks a value against a schema. Fields that the schema does not name are left alone; an optional field that is null
 * counts as absent and is not in the result.
 * @param path where the value stands, for the problems' paths
 */
export function decode<T>(schema: Schema<T>, value: JsonValue | undefined, path: string = ''): Decoded<T> {
  const problems: Problem[] = [];
  const checked = check(schema.node, value, path, problems);
  return isSound<T>(checked, problems) ? { ok: true, value: checked } : { ok: false, problems };
}

/** What `check` returned without a problem is what the schema, and so the type, describes. */
function isSound<T>(_value: unknown, problems: readonly Problem[]): _value is T {
  return problems.length === 0;
}

function check(node: SchemaNode, value: JsonValue | undefined, path: string, problems: Problem[]): JsonValue {
  switch (node.type) {
    case 'string':
      if (typeof value !== 'string') return wrongType('a string', value, path, problems);
      checkString(node, value, path, problems);
      return value;
    case 'literals':
      if (typeof value !== 'string') return wrongType('a string', value, path, problems);
      if (!node.values.includes(value)) report(problems, path, `must be one of ${node.values.join(', ')}`);
      return value;
    case 'integer':
      return checkInteger(node, value, path, problems);
    case 'boolean':
      return typeof value === 'boolean' ? value : wrongType('a boolean', value, path, problems);
    case 'array':
      return checkArray(node, value, path, problems);
    case 'map':
      return checkMap(node, value, path, problems);
    case 'free':
      return isJsonObject(value) ? value : wrongType('an object', value, path, problems);
    case 'any':
      return value ?? null;
    case 'object':
      return isJsonObject(value)
        ? checkObject(node, value, path, problems)
        : wrongType('an object', value, path, problems);
    case 'union':
      return checkUnion(node, value, path, problems);
    default:
      return assertNever(node);
  }
}

function checkString(
  node: SchemaNode & { readonly type: 'string' },
  value: string,
  path: string,
  problems: Problem[],
): void {
  const before = problems.length;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = node;
  if (value.length < minLength) {
    report(problems, path, value === '' ? 'must not be empty' : `must have ${minLength} characters or more`);
  } else if (value.length > maxLength && [...value].length > maxLength) {
    report(problems, path, `must have ${maxLength} characters or less`);
  } else if (node.matcher?.test(value) === false) {
    report(problems, path, node.patternMessage ?? `must match ${node.pattern}`);
  } else if (node.format === 'date-time' && (!DATE_TIME.test(value) || Number.isNaN(Date.parse(value)))) {
    report(problems, path, 'must be a time like 2026-01-31T12:00:00Z');
  }
  if (problems.length > before) return;
  for (const rule of node.rules ?? []) if (!rule.holds(value)) report(problems, path, rule.message);
}

function checkInteger(
  node: SchemaNode & { readonly type: 'integer' },
  value: JsonValue | undefined,
  path: string,
  problems: Problem[],
): JsonValue {
  // `1.0` and `1e3` are integers that were kept as text; what a double can't hold is not accepted.
  const number = isRawJson(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number') return wrongType('an integer', value, path, problems);
  if (!Number.isSafeInteger(number)) report(problems, path, 'must be an integer of at most 53 bits');
  else if (node.minimum !== undefined && number < node.minimum) {
    report(problems, path, `must be ${node.minimum} or more`);
  } else if (node.maximum !== undefined && number > node.maximum) {
    report(problems, path, `must be ${node.maximum} or less`);
  }
  return number;
}

function checkArray(
  node: SchemaNode & { readonly type: 'array' },
  value: JsonValue | undefined,
  path: string,
  problems: Problem[],
): JsonValue {
  if (!isJsonArray(value)) return wrongType('a list', value, path, problems);
  if (node.maxItems !== undefined && value.length > node.maxItems) {
    report(problems, path, `must have ${node.maxItems} items or less`);
    return value;
  }
  if (node.minItems !== undefined && value.length < node.minItems) {
    report(problems, path, `must have ${node.minItems} items or more`);
    return value;
  }
  const items = value.map((item, index) => check(node.items, item, `${path}[${index}]`, problems));
  return items.some((item, index) => item !== value[index]) ? items : value;
}

function checkMap(
  node: SchemaNode & { readonly type: 'map' },
  value: JsonValue | undefined,
  path: string,
  problems: Problem[],
): JsonValue {
  if (!isJsonObject(value)) return wrongType('an object', value, path, problems);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  if (node.maxProperties !== undefined && entries.length > node.maxProperties) {
    report(problems, path, `must have ${node.maxProperties} keys or less`);
    return value;
  }
  const checked = entries.map(([key, member]): [string, JsonValue] => [
    key,
    check(node.values, member, memberPath(path, key), problems),
  ]);
  return checked.some(([key, member]) => member !== value[key]) ? Object.fromEntries(checked) : value;
}

function checkObject(node: ObjectNode, value: JsonObject, path: string, problems: Problem[]): JsonObject {
  const before = problems.length;
  let result = value;
  for (const [name, field] of Object.entries(node.fields)) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (member === undefined || member === null) {
      if (!field.isOptional) report(problems, memberPath(path, name), 'is required');
      else if (member === null) result = without(result, name);
      continue;
    }
    const checked = check(field.node, member, memberPath(path, name), problems);
    if (checked !== member) result = { ...result, [name]: checked };
  }
  if (problems.length > before) return result;
  for (const rule of node.rules ?? []) {
    if (rule.holds(result)) continue;
    report(problems, rule.field === undefined ? path : memberPath(path, rule.field), rule.message);
  }
  return result;
}

function checkUnion(
  node: SchemaNode & { readonly type: 'union' },
  value: JsonValue | undefined,
  path: string,
  problems: Problem[],
): JsonValue {
  if (!isJsonObject(value)) return wrongType('an object', value, path, problems);
  const tag = value[node.tag];
  const variant =
    typeof tag === 'string' && Object.hasOwn(node.variants, tag) ? node.variants[tag] : undefined;
  if (variant !== undefined) return checkObject(variant, value, path, problems);
  report(problems, memberPath(path, node.tag), `must be one of ${Object.keys(node.variants).join(', ')}`);
  return value;
}

function without(value: JsonObject, name: string): JsonObject {
  const { [name]: _, ...others } = value;
  return others;
}

function wrongType(expected: string, value: JsonValue | undefined, path: string, problems: Problem[]): null {
  report(problems, path, `must be ${expected}, not ${nameOf(value)}`);
  return null;
}

function nameOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (isJsonArray(value)) return 'a list';
  if (typeof value === 'number' || isRawJson(value)) return 'a number';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function memberPath(path: string, name: string): string {
  if (!/^[\w-]{1,253}$/.test(name)) return `${path}[${JSON.stringify(name.slice(0, 253))}]`;
  return path === '' ? name : `${path}.${name}`;
}

function report(problems: Problem[], path: string, message: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push({ path, message });
}
