import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../json/index.ts';
import {
  array,
  boolean,
  freeForm,
  integer,
  literals,
  map,
  object,
  optional,
  type Schema,
  string,
  toOpenApi,
  union,
} from './index.ts';

interface Port extends JsonObject {
  readonly name: string;
  readonly number?: number;
}

type Shape =
  | (JsonObject & { readonly kind: 'circle'; readonly radius: number })
  | (JsonObject & { readonly kind: 'square'; readonly side?: number })
  | (JsonObject & { readonly kind: 'dot' });

interface Names extends JsonObject {
  readonly [key: string]: string | undefined;
}

const port: Schema<Port> = object<Port>({ name: string(), number: optional(integer()) });

describe('schemas and types', () => {
  it('must have the same fields', () => {
    // @ts-expect-error a field is missing
    object<Port>({ name: string() });
    // @ts-expect-error a field is too many
    object<Port>({ name: string(), number: optional(integer()), protocol: string() });
    // @ts-expect-error a field is of another type
    object<Port>({ name: integer(), number: optional(integer()) });
    expect(toOpenApi(port)).toHaveProperty('properties.number');
  });

  it('must agree on what is optional', () => {
    // @ts-expect-error the type allows it to be absent, the schema does not
    object<Port>({ name: string(), number: integer() });
    // @ts-expect-error the schema allows it to be absent, the type does not
    object<Port>({ name: optional(string()), number: optional(integer()) });
    expect(toOpenApi(port)).toMatchObject({ required: ['name'] });
  });

  it('must agree on the members of a set, and of a union', () => {
    // @ts-expect-error a member is missing
    literals<'a' | 'b'>({ a: true });
    // @ts-expect-error a member is too many
    literals<'a'>({ a: true, b: true });
    // @ts-expect-error a set that is too small for the type
    const small: Schema<'a' | 'b'> = literals<'a'>({ a: true });
    // @ts-expect-error a variant is missing
    union<Shape, 'kind'>('kind', { dot: object({ kind: literals<'dot'>({ dot: true }) }) });
    expect(toOpenApi(small)).toEqual({ type: 'string', enum: ['a'] });
  });

  it('must agree on the values of lists and maps', () => {
    // @ts-expect-error a list of something else
    const list: Schema<readonly string[]> = array(integer());
    // @ts-expect-error a map to something else
    map<Names>(integer());
    expect(toOpenApi(list)).toEqual({ type: 'array', items: { type: 'integer', format: 'int64' } });
  });
});

describe('toOpenApi', () => {
  it('writes what CustomResourceDefinitions know', () => {
    const rule = { cel: 'self.size() > 2', message: 'too short', holds: (value: string) => value.length > 2 };
    const schema = object<{
      readonly text: string;
      readonly when?: string;
      readonly flag?: boolean;
      readonly list?: readonly Port[];
      readonly names?: Names;
      readonly input?: JsonObject;
    }>(
      {
        text: string({ description: 'A text.', minLength: 1, maxLength: 9, pattern: '^a', rules: [rule] }),
        when: optional(string({ format: 'date-time' })),
        flag: optional(boolean({ default: true })),
        list: optional(array(port, { maxItems: 3, listType: 'map', mapKeys: ['name'] })),
        names: optional(map<Names>(string(), { maxProperties: 4, mapType: 'atomic' })),
        input: optional(freeForm({ mapType: 'atomic' })),
      },
      {
        rules: [{ cel: 'has(self.when)', message: 'when?', field: 'when', holds: () => true }],
        isOpen: true,
      },
    );
    expect(toOpenApi(schema)).toEqual({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      'x-kubernetes-validations': [{ rule: 'has(self.when)', message: 'when?', fieldPath: '.when' }],
      required: ['text'],
      properties: {
        text: {
          description: 'A text.',
          type: 'string',
          minLength: 1,
          maxLength: 9,
          pattern: '^a',
          'x-kubernetes-validations': [{ rule: 'self.size() > 2', message: 'too short' }],
        },
        when: { type: 'string', format: 'date-time' },
        flag: { type: 'boolean', default: true },
        list: {
          type: 'array',
          maxItems: 3,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, number: { type: 'integer', format: 'int64' } },
          },
        },
        names: {
          type: 'object',
          maxProperties: 4,
          'x-kubernetes-map-type': 'atomic',
          additionalProperties: { type: 'string' },
        },
        input: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          'x-kubernetes-preserve-unknown-fields': true,
        },
      },
    });
  });

  it('writes a union as one object with rules for what belongs to some variants only', () => {
    const shape = union<Shape, 'kind'>('kind', {
      circle: object({ kind: literals<'circle'>({ circle: true }), radius: integer() }),
      square: object({ kind: literals<'square'>({ square: true }), side: optional(integer()) }),
      dot: object({ kind: literals<'dot'>({ dot: true }) }),
    });
    expect(toOpenApi(shape)).toMatchObject({
      type: 'object',
      required: ['kind'],
      properties: { kind: { enum: ['circle', 'square', 'dot'] }, radius: {}, side: {} },
      'x-kubernetes-validations': [
        {
          rule: "!has(self.radius) || self.kind in ['circle']",
          message: 'radius is allowed only for circle',
        },
        { rule: "has(self.radius) || !(self.kind in ['circle'])", message: 'radius is required for circle' },
        { rule: "!has(self.side) || self.kind in ['square']", message: 'side is allowed only for square' },
      ],
    });
  });
});
