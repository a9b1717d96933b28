export {
  anyValue,
  array,
  boolean,
  type Fields,
  freeForm,
  integer,
  literals,
  map,
  type ObjectSchema,
  object,
  optional,
  string,
  union,
} from './builder.ts';
export { type Decoded, decode, type Problem } from './decode.ts';
export { toOpenApi } from './openapi.ts';
export type {
  Annotations,
  ArrayOptions,
  IntegerOptions,
  MapOptions,
  ObjectOptions,
  OptionalField,
  Rule,
  Schema,
  SchemaNode,
  StringOptions,
} from './schema.ts';
export { unknownFields } from './unknown-fields.ts';
