import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, hashJson, type JsonValue, parseJson, shortHashJson, stringifyJson } from './index.ts';

function shuffled(value: JsonValue): JsonValue {
  return JSON.parse(stringifyJson(value), (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).reverse())
      : member,
  );
}

describe('canonicalJson', () => {
  it('sorts keys at every depth and leaves lists alone', () => {
    const value = { b: [{ z: 1, a: 2 }, 3], a: { d: null, c: 'x' } };
    expect(canonicalJson(value)).toBe('{"a":{"c":"x","d":null},"b":[{"a":2,"z":1},3]}');
  });

  it('is the same for the same value in another order of keys', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = parseJson(text);
        expect(canonicalJson(shuffled(JSON.parse(text)))).toBe(
          canonicalJson(JSON.parse(canonicalJson(value))),
        );
      }),
    );
  });

  it('writes text as JSON does, whatever it holds', () => {
    for (const text of ['', 'é…\u2028', '"', '\\', '\n\u0000\u007f', '😀', '\ud83d', '\udc00x']) {
      expect(canonicalJson(text)).toBe(JSON.stringify(text));
      expect(canonicalJson({ [text]: text })).toBe(JSON.stringify({ [text]: text }));
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(canonicalJson([text])).toBe(JSON.stringify([text]));
      }),
    );
  });

  it('leaves out members that are undefined, as the wire does', () => {
    expect(canonicalJson({ a: 1, b: undefined })).toBe('{"a":1}');
  });

  it('tells integers apart that are one double', () => {
    expect(hashJson(parseJson('[9007199254740993]'))).not.toBe(hashJson(parseJson('[9007199254740992]')));
  });
});

describe('hashes', () => {
  it('have their documented shapes', () => {
    expect(hashJson({ a: 1 })).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(shortHashJson({ a: 1 })).toMatch(/^[-_A-Za-z0-9]{22}$/);
  });

  it('do not depend on the order of keys', () => {
    expect(hashJson({ a: 1, b: 2 })).toBe(hashJson({ b: 2, a: 1 }));
    expect(shortHashJson({ a: 1, b: 2 })).toBe(shortHashJson({ b: 2, a: 1 }));
  });
});
