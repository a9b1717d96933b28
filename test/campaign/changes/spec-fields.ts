// Changes of the spec that follow from its schema alone: each field set, taken away, and changed to legal values, to the
// edges of what is legal, and beyond. Whether a value is legal is what the schema says; the API server has to agree.
import { TRANSFORM_SPEC_SCHEMA } from '../../../src/api/crd/transform.ts';
import { decode, type SchemaNode } from '../../../src/api/schema/index.ts';
import {
  canonicalJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '../../../src/json/index.ts';
import type { Random } from '../../simulation/random.ts';
import { type JsonPath, valueAt, withValue } from '../json-path.ts';
import { type Change, clipped, pickFrom, type Scene } from './change.ts';

/** Fields that leave the objects alone, whatever they say. */
const POLICIES: ReadonlySet<string | number> = new Set([
  'deletionPolicy',
  'drift',
  'dryRun',
  'healthCheck',
  'interval',
  'progressDeadline',
  'prunePolicy',
  'revisionHistoryLimit',
  'rollbackOnFailure',
  'serviceAccountName',
  'suspend',
]);

const TEXTS: readonly string[] = [
  'deployer',
  'default',
  'missing',
  'ConfigMap',
  'settings',
  'v1',
  'shop.yaml',
  'a.b.c',
  '1ms',
  '2s',
  '5m',
  '8760h',
  '1h30m',
  '0s',
  '-5m',
  '5',
  '',
  ' ',
  '..',
  '/root',
  'sub/folder',
  'a/../b',
  'Bad_Name',
  'ünïcode',
  'webservice',
  'x: 1',
  'line\nbreak',
];
const NUMBERS: readonly number[] = [-1, 0, 1, 2, 3, 10, 100, 101, 2 ** 31, 2 ** 53 - 1, 1.5];
const OTHER_TYPES: readonly JsonValue[] = ['text', 7, true, [], {}, [1], { a: 'b' }];

interface Field {
  readonly path: JsonPath;
  readonly node: SchemaNode;
}

const FIELDS: readonly Field[] = fieldsBelow(TRANSFORM_SPEC_SCHEMA.node, []);

function fieldsBelow(node: SchemaNode, path: JsonPath): readonly Field[] {
  if (node.type === 'object')
    return Object.entries(node.fields).flatMap(([name, field]) => [
      { path: [...path, name], node: field.node },
      ...fieldsBelow(field.node, [...path, name]),
    ]);
  if (node.type === 'array')
    return [{ path: [...path, 0], node: node.items }, ...fieldsBelow(node.items, [...path, 0])];
  return [];
}

export function fieldChange(scene: Scene): Change {
  const { base, random } = scene;
  const first = withField(base.spec, random);
  // Two at a time, where the second can't make the Transform let go of what the first takes away.
  const second =
    random.chance(0.2) && first.spec['deletionPolicy'] !== 'Orphan'
      ? withField(first.spec, random)
      : undefined;
  const spec = second?.spec['deletionPolicy'] === 'Orphan' ? first.spec : (second?.spec ?? first.spec);
  const paths = spec === first.spec || second === undefined ? [first.path] : [first.path, second.path];
  const told = paths.map((path) => `${path.join('.')} = ${valueText(valueAt(spec, path))}`);
  const isLegal = decode(TRANSFORM_SPEC_SCHEMA, spec).ok;
  return {
    label: `spec: ${told.join(', ')}`,
    spec,
    answer: isLegal ? 'accepted' : 'refused',
    ...(paths.every(([field = '']) => POLICIES.has(field)) ? { keepsObjects: true } : {}),
  };
}

function withField(spec: JsonObject, random: Random): { readonly spec: JsonObject; readonly path: JsonPath } {
  const { path, node } = pickFrom(random, FIELDS);
  const value = random.chance(0.12) ? undefined : valueFor(node, random, random.chance(0.7));
  return { path, spec: withValue(withParents(spec, path, random), path, value) };
}

/** The spec with all that a field is part of. */
function withParents(spec: JsonObject, path: JsonPath, random: Random): JsonObject {
  let next = spec;
  for (let length = 1; length < path.length; length += 1) {
    const parent = path.slice(0, length);
    if (valueAt(next, parent) !== undefined) continue;
    const field = FIELDS.find(({ path: other }) => canonicalJson([...other]) === canonicalJson([...parent]));
    if (field !== undefined) next = withValue(next, parent, valueFor(field.node, random, true));
  }
  return next;
}

/** A value for a field that its schema takes, or does not. */
function valueFor(node: SchemaNode, random: Random, isLegal: boolean): JsonValue {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const value = isLegal
      ? sampleOf(node, random)
      : random.chance(0.6)
        ? sampleOf(node, random)
        : pickFrom(random, OTHER_TYPES);
    if (decode({ node }, value).ok === isLegal) return value;
  }
  return sampleOf(node, random);
}

function sampleOf(node: SchemaNode, random: Random): JsonValue {
  switch (node.type) {
    case 'string':
      return textFor(node, random);
    case 'literals':
      return random.chance(0.8) ? pickFrom(random, node.values) : pickFrom(random, ['', 'Other', 'delete']);
    case 'integer':
      return pickFrom(random, [...NUMBERS, ...edgesOf(node.minimum, node.maximum)]);
    case 'boolean':
      return random.chance(0.5);
    case 'array':
      return listFor(node, random);
    case 'object': {
      const members = Object.entries(node.fields).filter(
        ([, { isOptional }]) => !isOptional || random.chance(0.3),
      );
      return Object.fromEntries(members.map(([name, field]) => [name, valueFor(field.node, random, true)]));
    }
    case 'map':
    case 'free':
      return pickFrom<JsonObject>(random, [
        {},
        { colour: 'green' },
        { a: { b: [1, { c: null }] } },
        { replicas: 3 },
      ]);
    case 'any':
    case 'union':
      return pickFrom(random, OTHER_TYPES);
  }
}

function textFor(node: Extract<SchemaNode, { readonly type: 'string' }>, random: Random): string {
  const { maxLength = 64 } = node;
  const isAtEdge = random.chance(0.15);
  return isAtEdge ? 'x'.repeat(Math.min(maxLength + random.between(0, 1), 300_000)) : pickFrom(random, TEXTS);
}

function listFor(node: Extract<SchemaNode, { readonly type: 'array' }>, random: Random): JsonValue {
  const { maxItems = 3 } = node;
  const length = pickFrom(random, [0, 1, 1, 1, 2, maxItems, maxItems + 1]);
  const item = valueFor(node.items, random, true);
  return Array.from({ length }, () => item);
}

function edgesOf(minimum: number | undefined, maximum: number | undefined): readonly number[] {
  const edges = [minimum, maximum].filter((edge) => edge !== undefined);
  return edges.flatMap((edge) => [edge - 1, edge, edge + 1]);
}

function valueText(value: JsonValue | undefined): string {
  if (value === undefined) return '(absent)';
  const isLong = isJsonArray(value) || isJsonObject(value) || typeof value === 'string';
  return clipped(JSON.stringify(value), isLong ? 120 : 40);
}
