// A schema is one value from which both the CustomResourceDefinition and the run-time check are made, and whose type
// parameter ties it to a TypeScript type: a field that is missing, extra, or optional on one side only does not compile.
import type { JsonObject, JsonValue } from '../../json/index.ts';

declare const TYPE: unique symbol;

/** Describes exactly the type `T`. */
export interface Schema<T> {
  readonly node: SchemaNode;
  /** Never there; makes schemas of different types different types. */
  readonly [TYPE]?: (value: T) => T;
}

/** A field that may be absent. */
export interface OptionalField<T> {
  readonly optional: Schema<T>;
}

/**
 * A rule that types can't express, in two languages with one meaning: the API server evaluates `cel` on `self`, the
 * decoder calls `holds`. Both see only values that fit the rest of the schema.
 */
export interface Rule<V> {
  readonly cel: string;
  readonly message: string;
  /** The field of an object that is to blame; without it the value as a whole is. */
  readonly field?: string;
  readonly holds: (value: V) => boolean;
}

export interface Annotations {
  readonly description?: string;
  /** Filled in by the API server where the field is absent. */
  readonly default?: JsonValue;
}

export interface StringOptions extends Annotations {
  readonly minLength?: number;
  /** In characters. */
  readonly maxLength?: number;
  /** In the syntax that RE2 and JavaScript share; not anchored by itself. */
  readonly pattern?: string;
  /** What the pattern asks for, in words: `must be …`. */
  readonly patternMessage?: string;
  readonly format?: 'date-time';
  readonly rules?: readonly Rule<string>[];
}

export interface IntegerOptions extends Annotations {
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface ArrayOptions extends Annotations {
  readonly minItems?: number;
  readonly maxItems?: number;
  /** `atomic`: replaced as a whole. `map`: merged by the fields `mapKeys`. `set`: merged by value. */
  readonly listType?: 'atomic' | 'map' | 'set';
  readonly mapKeys?: readonly string[];
}

export interface MapOptions extends Annotations {
  readonly maxProperties?: number;
  readonly mapType?: 'atomic' | 'granular';
}

export interface ObjectOptions extends Annotations {
  readonly mapType?: 'atomic' | 'granular';
  /** Keeps fields that the schema does not name. */
  readonly isOpen?: boolean;
  readonly rules?: readonly Rule<JsonObject>[];
}

export interface FieldNode {
  readonly node: SchemaNode;
  readonly isOptional: boolean;
}

export interface ObjectNode extends ObjectOptions {
  readonly type: 'object';
  readonly fields: Readonly<Record<string, FieldNode>>;
}

/** A schema without its type. */
export type SchemaNode =
  | (StringOptions & { readonly type: 'string'; readonly matcher?: RegExp })
  | (Annotations & { readonly type: 'literals'; readonly values: readonly string[] })
  | (IntegerOptions & { readonly type: 'integer' })
  | (Annotations & { readonly type: 'boolean' })
  | (ArrayOptions & { readonly type: 'array'; readonly items: SchemaNode })
  | (MapOptions & { readonly type: 'map'; readonly values: SchemaNode })
  | (ObjectOptions & { readonly type: 'free' })
  | (Annotations & { readonly type: 'any' })
  | (Annotations & {
      readonly type: 'union';
      readonly tag: string;
      readonly variants: Readonly<Record<string, ObjectNode>>;
    })
  | ObjectNode;
