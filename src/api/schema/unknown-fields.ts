import { isJsonArray, isJsonObject, type JsonValue } from '../../json/index.ts';
import type { Problem } from './decode.ts';
import type { Schema } from './schema.ts';

/** Fields that the schema does not name: the API server would refuse or drop them, so they are most likely misspelt. */
export function unknownFields<T>(
  schema: Schema<T>,
  value: JsonValue | undefined,
  path: string,
): readonly Problem[] {
  return find(schema.node, value, path);
}

function find(node: Schema<never>['node'], value: JsonValue | undefined, path: string): readonly Problem[] {
  if (node.type === 'array' && isJsonArray(value)) {
    return value.flatMap((item, index) => find(node.items, item, `${path}[${index}]`));
  }
  if (node.type === 'union' && isJsonObject(value)) {
    const tag = value[node.tag];
    const isKnown = typeof tag === 'string' && Object.hasOwn(node.variants, tag);
    const variant = isKnown ? node.variants[tag] : undefined;
    return variant === undefined ? [] : find(variant, value, path);
  }
  if (node.type !== 'object' || !isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const field = Object.hasOwn(node.fields, name) ? node.fields[name] : undefined;
    if (field !== undefined) return find(field.node, member, `${path}.${name}`);
    if (node.isOpen === true) return [];
    const known = Object.keys(node.fields).join(', ');
    return [{ path: `${path}.${name}`, message: `unknown field; there are ${known}` }];
  });
}
