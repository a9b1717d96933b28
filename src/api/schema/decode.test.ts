import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonObject, type JsonValue, parseJson } from '../../json/index.ts';
import {
  array,
  boolean,
  decode,
  freeForm,
  integer,
  literals,
  map,
  object,
  optional,
  type Schema,
  string,
  union,
} from './index.ts';

interface Names extends JsonObject {
  readonly [key: string]: string | undefined;
}

type Shape =
  | (JsonObject & { readonly kind: 'circle'; readonly radius: number })
  | (JsonObject & { readonly kind: 'dot' });

interface Thing extends JsonObject {
  readonly id: string;
  readonly size?: 'small' | 'big';
  readonly count?: number;
  readonly flag?: boolean;
  readonly at?: string;
  readonly tags?: readonly string[];
  readonly labels?: Names;
  readonly input?: JsonObject;
  readonly parts?: readonly Shape[];
}

const thing: Schema<Thing> = object<Thing>(
  {
    id: string({ minLength: 1, maxLength: 5, pattern: '^[a-z]+$' }),
    size: optional(literals<'small' | 'big'>({ small: true, big: true })),
    count: optional(integer({ minimum: 0, maximum: 9 })),
    flag: optional(boolean()),
    at: optional(string({ format: 'date-time' })),
    tags: optional(
      array(
        string({ rules: [{ cel: "self != 'x'", message: 'must not be x', holds: (each) => each !== 'x' }] }),
        {
          maxItems: 2,
        },
      ),
    ),
    labels: optional(map<Names>(string(), { maxProperties: 2 })),
    input: optional(freeForm()),
    parts: optional(
      array(
        union<Shape, 'kind'>('kind', {
          circle: object({ kind: literals<'circle'>({ circle: true }), radius: integer() }),
          dot: object({ kind: literals<'dot'>({ dot: true }) }),
        }),
      ),
    ),
  },
  {
    rules: [
      {
        cel: "self.size != 'big' || has(self.count)",
        message: 'big things are counted',
        field: 'count',
        holds: ({ size, count }) => size !== 'big' || count !== undefined,
      },
    ],
  },
);

function problemsOf(value: JsonValue | undefined): readonly string[] {
  const decoded = decode(thing, value, 'spec');
  return decoded.ok ? [] : decoded.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('decode', () => {
  it('gives back the very value that fits, with fields that it does not know', () => {
    const value = {
      id: 'a',
      size: 'small',
      tags: ['b'],
      labels: { a: 'b' },
      parts: [{ kind: 'dot' }],
      later: [1],
    };
    const decoded = decode(thing, value);
    expect(decoded).toEqual({ ok: true, value });
    expect(decoded.ok && decoded.value).toBe(value);
  });

  it('takes null in optional fields for absence, and changes nothing in place', () => {
    const value = Object.freeze({
      id: 'a',
      count: null,
      labels: null,
      parts: Object.freeze([{ kind: 'dot' }]),
    });
    expect(decode(thing, value)).toEqual({ ok: true, value: { id: 'a', parts: [{ kind: 'dot' }] } });
  });

  it('reads integers that were kept as text', () => {
    const decoded = decode(thing, parseJson('{"id": "a", "count": 1.0}'));
    expect(decoded).toEqual({ ok: true, value: { id: 'a', count: 1 } });
  });

  it.each<[string, JsonValue | undefined, readonly string[]]>([
    ['nothing', undefined, ['spec: must be an object, not absent']],
    ['null', null, ['spec: must be an object, not null']],
    ['a list', [], ['spec: must be an object, not a list']],
    ['a missing field', {}, ['spec.id: is required']],
    ['a null field', { id: null }, ['spec.id: is required']],
    ['another type', { id: 1 }, ['spec.id: must be a string, not a number']],
    ['an empty text', { id: '' }, ['spec.id: must not be empty']],
    ['a long text', { id: 'abcdef' }, ['spec.id: must have 5 characters or less']],
    ['a text without the pattern', { id: 'A' }, ['spec.id: must match ^[a-z]+$']],
    ['no member of a set', { id: 'a', size: 'x' }, ['spec.size: must be one of small, big']],
    ['a fraction', { id: 'a', count: 1.5 }, ['spec.count: must be an integer of at most 53 bits']],
    ['a number below', { id: 'a', count: -1 }, ['spec.count: must be 0 or more']],
    ['a number above', { id: 'a', count: 10 }, ['spec.count: must be 9 or less']],
    ['a text for a boolean', { id: 'a', flag: 'true' }, ['spec.flag: must be a boolean, not a string']],
    ['no time', { id: 'a', at: 'noon' }, ['spec.at: must be a time like 2026-01-31T12:00:00Z']],
    [
      'an impossible time',
      { id: 'a', at: '2026-13-01T00:00:00Z' },
      ['spec.at: must be a time like 2026-01-31T12:00:00Z'],
    ],
    ['a long list', { id: 'a', tags: ['a', 'b', 'c'] }, ['spec.tags: must have 2 items or less']],
    ['a bad item', { id: 'a', tags: ['a', 'x'] }, ['spec.tags[1]: must not be x']],
    ['a null item', { id: 'a', tags: [null] }, ['spec.tags[0]: must be a string, not null']],
    ['many keys', { id: 'a', labels: { a: '', b: '', c: '' } }, ['spec.labels: must have 2 keys or less']],
    [
      'a bad value',
      { id: 'a', labels: { 'a/b': true } },
      ['spec.labels["a/b"]: must be a string, not a boolean'],
    ],
    ['free form of another type', { id: 'a', input: 'x' }, ['spec.input: must be an object, not a string']],
    [
      'an unknown variant',
      { id: 'a', parts: [{ kind: 'toString' }] },
      ['spec.parts[0].kind: must be one of circle, dot'],
    ],
    [
      'a field missing in a variant',
      { id: 'a', parts: [{ kind: 'circle' }] },
      ['spec.parts[0].radius: is required'],
    ],
    ['a broken rule', { id: 'a', size: 'big' }, ['spec.count: big things are counted']],
    [
      'more than one fault',
      { size: 1, flag: 1 },
      [
        'spec.id: is required',
        'spec.size: must be a string, not a number',
        'spec.flag: must be a boolean, not a number',
      ],
    ],
  ])('names %s', (_name, value, problems) => {
    expect(problemsOf(value)).toEqual(problems);
  });

  it('refuses integers that it would change', () => {
    expect(problemsOf(parseJson('{"id": "a", "count": 9223372036854775807}'))).toEqual([
      'spec.count: must be an integer of at most 53 bits',
    ]);
  });

  it('counts characters, as the API server does', () => {
    const text = string({ maxLength: 2 });
    expect(decode(text, '😀😀').ok).toBe(true);
    expect(decode(text, '😀😀😀').ok).toBe(false);
  });

  it('is not fooled by names that every object has', () => {
    expect(problemsOf(parseJson('{"__proto__": {"id": "a"}, "constructor": {}}'))).toEqual([
      'spec.id: is required',
    ]);
  });

  it('names a few problems of very many', () => {
    const parts = Array.from({ length: 10_000 }, () => null);
    expect(problemsOf({ id: 'a', parts }).length).toBeLessThan(100);
  });

  it('never throws, whatever it is given', () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom(null, '', 'small', [], {}, [{ kind: 'circle' }]));
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom('id', 'size', 'count', 'flag', 'at', 'tags', 'labels', 'input', 'parts'),
        field,
      ),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const decoded = decode(thing, parseJson(JSON.stringify(value)));
        if (!decoded.ok) expect(decoded.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
