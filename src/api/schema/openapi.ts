// Structural schemas as CustomResourceDefinitions take them. Keys come out in a fixed order, so that the written files
// are stable.
import { assertNever } from '../../errors.ts';
import type { JsonObject, JsonValue } from '../../json/index.ts';
import type {
  Annotations,
  FieldNode,
  ObjectNode,
  ObjectOptions,
  Rule,
  Schema,
  SchemaNode,
} from './schema.ts';

/** The OpenAPI v3 schema of a CustomResourceDefinition. */
export function toOpenApi(schema: Schema<never> | { readonly node: SchemaNode }): JsonObject {
  return convert(schema.node);
}

function convert(node: SchemaNode): JsonObject {
  switch (node.type) {
    case 'string':
      return build(node, 'string', {
        format: node.format,
        minLength: node.minLength,
        maxLength: node.maxLength,
        pattern: node.pattern,
        ...rulesOf(node.rules),
      });
    case 'literals':
      return build(node, 'string', { enum: node.values });
    case 'integer':
      return build(node, 'integer', { format: 'int64', minimum: node.minimum, maximum: node.maximum });
    case 'boolean':
      return build(node, 'boolean', {});
    case 'array':
      return build(node, 'array', {
        minItems: node.minItems,
        maxItems: node.maxItems,
        'x-kubernetes-list-type': node.listType,
        'x-kubernetes-list-map-keys': node.mapKeys,
        items: convert(node.items),
      });
    case 'map':
      return build(node, 'object', {
        maxProperties: node.maxProperties,
        'x-kubernetes-map-type': node.mapType,
        additionalProperties: convert(node.values),
      });
    case 'free':
      return build(node, 'object', { ...objectMarks({ ...node, isOpen: true }), ...rulesOf(node.rules) });
    case 'any':
      return build(node, undefined, { 'x-kubernetes-preserve-unknown-fields': true });
    case 'object':
      return convertObject(node);
    case 'union':
      return convertObject(mergeVariants(node.tag, node.variants, node));
    default:
      return assertNever(node);
  }
}

function convertObject(node: ObjectNode): JsonObject {
  const properties: Record<string, JsonValue> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(node.fields)) {
    properties[name] = convert(field.node);
    if (!field.isOptional) required.push(name);
  }
  return build(node, 'object', {
    ...objectMarks(node),
    ...rulesOf(node.rules),
    required: required.length === 0 ? undefined : required,
    properties,
  });
}

function objectMarks(node: ObjectOptions): JsonObject {
  return {
    'x-kubernetes-map-type': node.mapType,
    'x-kubernetes-preserve-unknown-fields': node.isOpen === true ? true : undefined,
  };
}

function rulesOf(rules: readonly Rule<never>[] | undefined): JsonObject {
  if (rules === undefined || rules.length === 0) return {};
  const validations = rules.map(({ cel, message, field }) => ({
    ...(field === undefined ? {} : { fieldPath: `.${field}` }),
    message,
    rule: cel,
  }));
  return { 'x-kubernetes-validations': validations };
}

function build(annotations: Annotations, type: string | undefined, keywords: JsonObject): JsonObject {
  const all: JsonObject = {
    description: annotations.description,
    type,
    default: annotations.default,
    ...keywords,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function mergeVariants(
  tag: string,
  variants: Readonly<Record<string, ObjectNode>>,
  annotations: Annotations,
): ObjectNode {
  const tags = Object.keys(variants);
  const fields: Record<string, FieldNode> = {
    [tag]: { node: { type: 'literals', values: tags }, isOptional: false },
  };
  const rules: Rule<JsonObject>[] = [];
  const names = new Set(Object.values(variants).flatMap((variant) => Object.keys(variant.fields)));
  names.delete(tag);
  for (const name of names) {
    const having = tags.filter((each) => variants[each]?.fields[name] !== undefined);
    const needing = having.filter((each) => variants[each]?.fields[name]?.isOptional === false);
    const [first] = having;
    const field = first === undefined ? undefined : variants[first]?.fields[name];
    if (field === undefined) continue;
    fields[name] = { node: field.node, isOptional: needing.length < tags.length };
    if (having.length < tags.length) {
      rules.push(unionRule(`!has(self.${name}) || self.${tag} in ${celList(having)}`, name, 'only', having));
    }
    if (needing.length > 0 && needing.length < tags.length) {
      rules.push(
        unionRule(`has(self.${name}) || !(self.${tag} in ${celList(needing)})`, name, 'required', needing),
      );
    }
  }
  return { ...annotations, type: 'object', fields, rules };
}

function unionRule(
  cel: string,
  field: string,
  kind: 'only' | 'required',
  tags: readonly string[],
): Rule<JsonObject> {
  const message = `${field} is ${kind === 'only' ? 'allowed only' : 'required'} for ${tags.join(', ')}`;
  // The decoder checks the variant itself and never asks.
  return { cel, message, holds: () => true };
}

function celList(values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(', ')}]`;
}
