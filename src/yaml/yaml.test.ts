import { describe, expect, test } from 'vitest';
import { stringifyJson } from '../json/index.ts';
import { parseYaml } from './yaml.ts';

const values = (text: string): readonly string[] =>
  parseYaml('f.yaml', text).map(({ value }) => stringifyJson(value));

describe('YAML is read as kubectl reads it', () => {
  test.each([
    ['booleans of YAML 1.1', 'a: [yes, off, true]', '{"a":[true,false,true]}'],
    ['octal numbers', 'mode: 0755', '{"mode":493}'],
    ['times stay text', 'at: 2026-01-31T12:00:00Z', '{"at":"2026-01-31T12:00:00Z"}'],
    ['no base 60', 'ports: "80:80"\nat: 1:30', '{"ports":"80:80","at":"1:30"}'],
    ['integers beyond a double', 'count: 9223372036854775807', '{"count":9223372036854775807}'],
    ['anchors and merges', 'a: &x {b: 1}\nc: {<<: *x, d: 2}', '{"a":{"b":1},"c":{"b":1,"d":2}}'],
  ])('%s', (_name, text, expected) => {
    expect(values(text)).toEqual([expected]);
  });

  test('empty documents do not count', () => {
    expect(values('---\n# nothing\n---\na: 1\n---\n')).toEqual(['{"a":1}']);
  });
});

test('positions are those of the closest value that is there', () => {
  const [document] = parseYaml('f.yaml', 'a: 1\nb:\n  - x\n  - c: d\n');
  expect(document?.position(['b', 1, 'c'])).toBe('f.yaml:4:8');
  expect(document?.position(['b', 1, 'missing'])).toBe('f.yaml:4:5');
  expect(document?.position(['missing'])).toBe('f.yaml:1:1');
});

test.each([
  ['every mistake has its place', 'a: 1\na: 2\nb: [1\n', /f\.yaml:2:1: .*\nf\.yaml:4:1: /],
  ['what JSON lacks', 'a:\n  b: .nan\n', /f\.yaml:2:6: NaN has no form in JSON/],
  ['an unknown alias', 'a: *b\n', /f\.yaml:1:1: .*alias/],
])('%s', (_name, text, message) => {
  expect(() => parseYaml('f.yaml', text)).toThrow(message);
});
