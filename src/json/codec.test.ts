import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRawJson, type JsonValue, parseJson, stringifyJson } from './index.ts';

const digits = fc.stringMatching(/^(0|[1-9]\d{0,24})$/);
const fraction = fc.option(fc.stringMatching(/^\.\d{1,22}$/), { nil: '' });
const exponent = fc.option(fc.stringMatching(/^[eE][+-]?\d{1,3}$/), { nil: '' });
const numberText = fc
  .tuple(fc.constantFrom('', '-'), digits, fraction, exponent)
  .map((parts) => parts.join(''));

describe('parseJson', () => {
  it.each([
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '1e400',
    '1E+5',
    '1.0',
    '-0',
    '-0.0',
    '0.0000001',
    '123456789.12345678',
    '0.1234567890123456789',
  ])('gives back %s as it was written', (text) => {
    for (const document of [text, `[${text}]`, `{"a":${text}}`, `[1,${text},"x"]`]) {
      expect(stringifyJson(parseJson(document))).toBe(document);
    }
    for (const colon of [' :', ': ', '\n:\t']) {
      expect(stringifyJson(parseJson(`{"a"${colon}${text}}`))).toBe(`{"a":${text}}`);
    }
  });

  it('changes no number, wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.array(numberText, { minLength: 1 }),
        fc.constantFrom('', ' ', '\n'),
        (numbers, space) => {
          const parsed = parseJson(`{"a":${space}[${numbers.join(`,${space}`)}]}`);
          expect(stringifyJson(parsed)).toBe(`{"a":[${numbers.join(',')}]}`);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('gives back every document', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const once = stringifyJson(parseJson(text));
        expect(stringifyJson(parseJson(once))).toBe(once);
        expect(JSON.parse(once)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('reads ordinary numbers as numbers', () => {
    expect(parseJson('{"replicas":3,"ratio":0.25,"low":-12}')).toEqual({
      replicas: 3,
      ratio: 0.25,
      low: -12,
    });
  });

  it('keeps text that looks like a number out of it', () => {
    const text = '{"a":"1e400","b":"x 9223372036854775807","uid":"4ff2e1a0-1e00"}';
    expect(parseJson(text)).toEqual({
      a: '1e400',
      b: 'x 9223372036854775807',
      uid: '4ff2e1a0-1e00',
    });
  });

  it('takes __proto__ as a key like any other', () => {
    const parsed: JsonValue = parseJson('{"__proto__":{"polluted":true},"big":1e400}');
    expect(stringifyJson(parsed)).toBe('{"__proto__":{"polluted":true},"big":1e400}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('refuses what is not JSON', () => {
    expect(() => parseJson('{"a":')).toThrow(SyntaxError);
    expect(() => parseJson('{"a":1e400')).toThrow(SyntaxError);
  });

  it('tells a kept number from an object', () => {
    expect(isRawJson(parseJson('1e400'))).toBe(true);
    expect(isRawJson(parseJson('{"rawJSON":"1e400"}'))).toBe(false);
  });
});
