import { expect, it } from 'vitest';
import type { CelPredicate, KubeObject } from '../../api/index.ts';
import { ExpressionEvaluator, expressionHash } from '../../cel/index.ts';
import type { JsonObject } from '../../json/index.ts';
import { evaluateReadiness, type Observation, observe } from './index.ts';

const READY = 'object.status.ready';
const FAILED = 'object.status.phase == "Failed"';
const evaluator = new ExpressionEvaluator();

function observed(status: JsonObject, generation = 2): Observation {
  const object: KubeObject = {
    apiVersion: 'example.org/v1',
    kind: 'Database',
    metadata: { name: 'db', generation },
    status,
  };
  const texts = [READY, FAILED, 'object.status.replicas / 0 > 1'];
  const answersOf = (): Observation['answers'] =>
    Object.fromEntries(
      evaluator.evaluateAll(texts, object).map((each, at) => [expressionHash(texts[at] ?? ''), each]),
    );
  return observe(object, { ignoredPointersOf: () => [], answersOf });
}

function judge(
  observation: Observation,
  predicate: Partial<CelPredicate> = {},
  ageMs = 0,
): readonly [string, string, string] {
  const wanted: CelPredicate = { type: 'CEL', expression: READY, ...predicate };
  const { state, reason, message } = evaluateReadiness([wanted], observation, {
    appliedAtMs: -ageMs,
    nowMs: 0,
  });
  return [state, reason, message];
}

it.each<[string, JsonObject, string, string, string]>([
  ['is ready where it is true', { ready: true }, 'ready', 'Ready', 'holds object.status.ready'],
  [
    'waits where it is false',
    { ready: false },
    'waiting',
    'ExpressionNotMet',
    'waits for object.status.ready',
  ],
  [
    'waits for a field that is missing',
    {},
    'waiting',
    'ExpressionNotMet',
    'waits for object.status.ready: 1:15: no such key: ready',
  ],
  [
    'takes only true for true',
    { ready: 'yes' },
    'waiting',
    'ExpressionError',
    "can't be asked for object.status.ready: the result is neither true nor false",
  ],
  [
    'does not believe a status of an older generation',
    { ready: true, observedGeneration: 1 },
    'waiting',
    'GenerationNotObserved',
    'is at generation 2, its status at 1',
  ],
])('an expression %s', (_, status, state, reason, message) => {
  expect(judge(observed(status))).toEqual([state, reason, message]);
});

it('failedWhen goes before everything, where it is true', () => {
  const failedWhen = FAILED;
  expect(judge(observed({ ready: true, phase: 'Failed' }), { failedWhen })).toEqual([
    'failed',
    'FailedWhen',
    'has failed: object.status.phase == "Failed" is true',
  ]);
  expect(judge(observed({ ready: true, phase: 'Up' }), { failedWhen })[0]).toBe('ready');
  expect(judge(observed({ ready: true }), { failedWhen })[0]).toBe('ready');
});

it('an error in an expression is waited for, with what is wrong', () => {
  const broken = 'object.status.replicas / 0 > 1';
  expect(judge(observed({ ready: true, replicas: 3 }), { failedWhen: broken })).toEqual([
    'waiting',
    'ExpressionError',
    `can't be asked for ${broken}: 1:1: division by zero`,
  ]);
  expect(judge(observed({ replicas: 3 }), { expression: broken })[1]).toBe('ExpressionError');
});

it('an expression that nobody has evaluated is waited for', () => {
  expect(judge(observed({ ready: true }), { expression: 'object.status.other' })).toEqual([
    'waiting',
    'NotEvaluated',
    'has not been asked yet for object.status.other',
  ]);
});

it('times out as the other predicates do', () => {
  expect(judge(observed({ ready: false }), { timeout: '30s' }, 31_000)).toEqual([
    'failed',
    'ReadinessTimeout',
    'waits for object.status.ready, still after 30 s',
  ]);
});
