// What an expression may cost. Time is not asserted: a limit that did not hold would keep these tests busy for minutes.
import { describe, expect, it, test } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { checkExpression, ExpressionEvaluator } from './index.ts';

const LARGE: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'large' },
  text: 'a'.repeat(1_000_000),
  list: Array.from({ length: 20_000 }, (_, index) => index),
  map: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key-${index}`, index])),
};

const evaluator = new ExpressionEvaluator();
const TOO_MUCH = { type: 'error', message: '1:1: the expression takes too much work' };

describe('too much work', () => {
  it.each([
    'object.list.all(a, object.list.all(b, object.list.all(c, true)))',
    'object.list.all(a, object.list.all(b, true)) || true',
    'object.nothing == 1 || object.list.all(a, object.list.all(b, true))',
    'object.list.map(a, object.list.map(b, object.list))',
    'object.list.all(a, object.map.exists(key, true))',
    'object.list.all(a, a in object.list)',
    'object.list.all(a, object.list == object.list.map(b, b))',
    'object.list.all(a, !object.text.contains("b"))',
    'object.list.all(a, size(object.text) > 0)',
    'object.list.all(a, !object.text.matches("(a+)+b"))',
    'object.text.matches("(a+)+b")',
    'object.text.split("").size() > 0',
    'object.list.all(a, timestamp("2026-03-01T10:00:00Z").getHours("Europe/Berlin") > 0)',
    'object.list.all(a, !string(a).matches("x{1,900}" + string(a)))',
    `["aaaaaaaaaaaaaaaa"]${'.map(a, a + a)'.repeat(40)}[0].contains("b")`,
    `[object.list]${'.map(a, a + a)'.repeat(40)}[0].size()`,
  ])('%s', (text) => {
    expect(evaluator.evaluateAll([text], LARGE)).toEqual([TOO_MUCH]);
  });

  it('is told anew at each evaluation', () => {
    const text = 'object.list.all(a, object.list.exists(b, b == a))';
    const small = { ...LARGE, list: [1, 2, 3] };
    expect(evaluator.evaluateAll([text], LARGE)).toEqual([TOO_MUCH]);
    expect(evaluator.evaluateAll([text], small)).toEqual([{ type: 'value', value: true }]);
    expect(evaluator.evaluateAll([text], LARGE)).toEqual([TOO_MUCH]);
  });
});

test.each([
  ['duration(object.text)', 'an operand has 1000000 characters, at most 64'],
  ['object.list.map(a, "x").join(object.text)', 'an operand has 1000000 characters, at most 64'],
  ['"a".matches(object.text)', 'an operand has 1000000 characters, at most 256'],
  ['object.text', 'the result has 1000002 bytes as JSON, at most 4096'],
  [`${'{"a": '.repeat(20)}1${'}'.repeat(20)}`, 'nested deeper than 16'],
])('%s', (text, message) => {
  const [result] = evaluator.evaluateAll([text], LARGE);
  expect(result).toEqual({ type: 'error', message: expect.stringContaining(message) });
});

test('a regular expression that backtracks elsewhere is answered', () => {
  const object = { ...LARGE, text: 'x'.repeat(5_000) };
  const [result] = evaluator.evaluateAll(['object.text.matches("^(x+x+)+y$")'], object);
  expect(result).toEqual({ type: 'value', value: false });
});

test.each([
  ['', '1:1: unexpected token: EOF'],
  ['1 +', '1:4: unexpected token: EOF'],
  ['objekt.spec', '1:1: unknown variable: objekt'],
  ['object.spec == 1 &&\n  missing', '2:3: unknown variable: missing'],
  ['object.spec.unknown(1)', '1:1: unknown function: unknown'],
  ['b"a".hex()', '1:1: unknown function: hex'],
  ['size(1)', "1:1: found no matching overload for 'size(int)'"],
  ['"a" + 1', '1:1: no such overload: string + int'],
  ['"a".matches("(")', '1:1: invalid regular expression'],
  ['"a".matches("(?=a)")', '1:1: invalid regular expression'],
  ['['.repeat(100) + ']'.repeat(100), 'exceeded maxDepth'],
  [`${'1 + '.repeat(600)}1`, 'the expression has 2401 characters, at most 2048'],
  [`${'!'.repeat(1500)}true`, 'exceeded maxAstNodes'],
])('%s is refused', (text, message) => {
  expect(checkExpression(text, 'any')).toMatchObject({
    ok: false,
    message: expect.stringContaining(message),
  });
});

test('a predicate has to be able to be true', () => {
  expect(checkExpression('object.status.ready', 'bool')).toEqual({ ok: true });
  expect(checkExpression('object.status.replicas > 2', 'bool')).toEqual({ ok: true });
  expect(checkExpression('size(object.status.items)', 'any')).toEqual({ ok: true });
  expect(checkExpression('size(object.status.items)', 'bool')).toEqual({
    ok: false,
    line: 1,
    column: 1,
    message: '1:1: the result is of type int, not bool',
  });
});
