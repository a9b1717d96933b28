import type { JsonObject, JsonValue } from '../../json/index.ts';
import type {
  Annotations,
  ArrayOptions,
  FieldNode,
  IntegerOptions,
  MapOptions,
  ObjectNode,
  ObjectOptions,
  OptionalField,
  Schema,
  StringOptions,
} from './schema.ts';

/** The keys that a type names, without its index signature. */
type NamedKeys<T> = keyof { [K in keyof T as string extends K ? never : number extends K ? never : K]: true };

/** Is a named key optional? Looked up without the index signature, which would make every key so. */
type Named<T> = { [K in keyof T as string extends K ? never : number extends K ? never : K]: T[K] };
type IsOptional<T, K extends keyof Named<T>> = object extends Pick<Named<T>, K> ? true : false;

/** One schema for each named field of `T`, wrapped by {@link optional} exactly where the field is optional. */
export type Fields<T> = {
  readonly [K in NamedKeys<T> & keyof Named<T>]-?: IsOptional<T, K> extends true
    ? OptionalField<Exclude<Named<T>[K], undefined>>
    : Schema<Named<T>[K]>;
};

/** A schema whose fields are known, as {@link object} makes it. */
export interface ObjectSchema<T> extends Schema<T> {
  readonly node: ObjectNode;
}

/** The member of the union `T` whose field `Tag` is `V`. */
type Variant<T, Tag extends PropertyKey, V> = T extends { readonly [K in Tag]: V } ? T : never;

export function string(options: StringOptions = {}): Schema<string> {
  const matcher = options.pattern === undefined ? {} : { matcher: new RegExp(options.pattern, 'u') };
  return { node: { ...options, ...matcher, type: 'string' } };
}

/** A string out of a closed set; every member of `T` must be named: `literals<'a' | 'b'>({ a: true, b: true })`. */
export function literals<T extends string>(
  values: { readonly [V in T]: true },
  annotations: Annotations = {},
): Schema<T> {
  return { node: { ...annotations, type: 'literals', values: Object.keys(values) } };
}

/** An integer that a double holds exactly. */
export function integer(options: IntegerOptions = {}): Schema<number> {
  return { node: { ...options, type: 'integer' } };
}

export function boolean(annotations: Annotations = {}): Schema<boolean> {
  return { node: { ...annotations, type: 'boolean' } };
}

export function array<T>(items: Schema<T>, options: ArrayOptions = {}): Schema<readonly T[]> {
  return { node: { ...options, type: 'array', items: items.node } };
}

/** An object with free keys and values of one type. */
export function map<T extends { readonly [key: string]: unknown }>(
  values: Schema<Exclude<T[string], undefined>>,
  options: MapOptions = {},
): Schema<T> {
  return { node: { ...options, type: 'map', values: values.node } };
}

/** Any JSON object, stored as it is. */
export function freeForm(options: ObjectOptions = {}): Schema<JsonObject> {
  return { node: { ...options, type: 'free' } };
}

/** Any JSON value, stored as it is. */
export function anyValue(annotations: Annotations = {}): Schema<JsonValue> {
  return { node: { ...annotations, type: 'any' } };
}

/** A field that may be absent. */
export function optional<T>(schema: Schema<T>): OptionalField<T> {
  return { optional: schema };
}

export function object<T>(fields: Fields<T>, options: ObjectOptions = {}): ObjectSchema<T> {
  return { node: { ...options, type: 'object', fields: fieldNodes(fields) } };
}

/**
 * A union told apart by the string field `tag`: one object schema for each of its values. In the CRD, whose schemas know
 * no such unions, it is one object with all fields and a rule for each that belongs to some variants only; fields of one
 * name must have one schema.
 */
export function union<T, Tag extends string & keyof Named<T>>(
  tag: Tag,
  variants: { readonly [V in Named<T>[Tag] & string]: ObjectSchema<Variant<T, Tag, V>> },
  annotations: Annotations = {},
): Schema<T> {
  const nodes: Record<string, ObjectNode> = {};
  for (const [value, schema] of Object.entries<{ readonly node: ObjectNode }>({ ...variants }))
    nodes[value] = schema.node;
  return { node: { ...annotations, type: 'union', tag, variants: nodes } };
}

function fieldNodes(fields: object): Record<string, FieldNode> {
  const nodes: Record<string, FieldNode> = {};
  for (const [name, field] of Object.entries<Schema<never> | OptionalField<never>>({ ...fields })) {
    nodes[name] =
      'optional' in field
        ? { node: field.optional.node, isOptional: true }
        : { node: field.node, isOptional: false };
  }
  return nodes;
}
