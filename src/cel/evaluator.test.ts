import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json/index.ts';
import { type Evaluation, ExpressionEvaluator } from './index.ts';

const evaluator = new ExpressionEvaluator();

function objectOf(members: JsonObject): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Database', metadata: { name: 'db' }, ...members };
}

function evaluate(text: string, members: JsonObject = {}): Evaluation | undefined {
  return evaluator.evaluateAll([text], objectOf(members))[0];
}

function value(found: JsonValue): Evaluation {
  return { type: 'value', value: found };
}

const DATABASE: JsonObject = {
  spec: { replicas: 3, ratio: 1.5, tags: ['a', 'b'], empty: null },
  status: {
    conditions: [
      { type: 'Synced', status: 'True' },
      { type: 'Ready', status: 'False', message: 'still starting' },
    ],
    ports: { http: 80, metrics: 9090 },
    since: '2026-03-01T10:00:00Z',
    endpoint: 'db-7.eu-central.example.com:5432',
  },
};

describe('an expression', () => {
  it.each([
    ['object.spec.replicas + 1', 4],
    ['object.spec.replicas > 2 ? "many" : "few"', 'many'],
    ['object.spec.ratio * 2.0', 3],
    ['double(object.spec.replicas) / 2.0', 1.5],
    ['object.spec.replicas == 3.0', true],
    ['string(object.spec.replicas)', '3'],
    ['int("42") + object.spec.replicas', 45],
    ['object.spec.empty', null],
    ['object.spec.tags', ['a', 'b']],
    ['object.spec.tags + ["c"]', ['a', 'b', 'c']],
    ['["x", object.spec.replicas]', ['x', 3]],
    [
      '{"host": object.status.endpoint.split(":")[0], "port": int(object.status.endpoint.split(":")[1])}',
      {
        host: 'db-7.eu-central.example.com',
        port: 5432,
      },
    ],
    ['object.status.conditions.exists(c, c.type == "Synced" && c.status == "True")', true],
    ['object.status.conditions.all(c, c.status == "True")', false],
    ['object.status.conditions.exists_one(c, c.type == "Ready")', true],
    ['object.status.conditions.filter(c, c.type == "Ready")[0].message', 'still starting'],
    ['object.status.conditions.map(c, c.type).join(",")', 'Synced,Ready'],
    ['object.status.conditions.map(c, c.status == "True", c.type)', ['Synced']],
    ['object.status.ports', { http: 80, metrics: 9090 }],
    ['object.status.ports.exists(name, name == "http")', true],
    ['"http" in object.status.ports && 80 in [object.status.ports.http]', true],
    ['has(object.status.ports.https)', false],
    ['object.?status.?ports.?https.orValue(443)', 443],
    ['size(object.status.conditions)', 2],
    ['object.status.endpoint.matches("^db-[0-9]+[.]")', true],
    ['object.status.endpoint.startsWith("db-") && object.status.endpoint.endsWith(":5432")', true],
    ['object.status.endpoint.contains("eu-")', true],
    ['object.status.endpoint.substring(0, 4).upperAscii()', 'DB-7'],
    ['timestamp(object.status.since) + duration("90m")', '2026-03-01T11:30:00.000Z'],
    ['timestamp(object.status.since).getFullYear()', 2026],
    ['duration("90m")', '5400s'],
    ['object.metadata.name', 'db'],
  ])('%s', (text, expected) => {
    expect(evaluate(text, DATABASE)).toEqual(value(expected));
  });

  it.each([
    ['object.spec.host', 'no such key: host'],
    ['object.status.conditions[7].type', 'index out of bounds'],
    ['object.spec.empty.host', 'no such key: host'],
    ['has(object.nothing.there)', 'no such key: nothing'],
    ['object.?spec.?host', 'the optional value is not there'],
    ['object.status.conditions.filter(c, c.type == "Other")[0].status', 'index out of bounds'],
  ])('%s waits for something that is missing', (text, message) => {
    expect(evaluate(text, DATABASE)).toEqual({ type: 'missing', message: expect.stringContaining(message) });
  });

  it.each([
    ['1 / (object.spec.replicas - 3)', '1:1: division by zero'],
    ['int(object.status.endpoint)', '1:1: int() type error: cannot convert to int'],
    ['object.spec.replicas + "1"', 'no such overload: dyn<int> + string'],
    ['object.spec.ratio / 0.0', 'has no form in JSON'],
    ['b"bytes"', 'has no form in JSON'],
    ['type(object)', 'has no form in JSON'],
    ['object.status.endpoint.matches("(" + object.spec.tags[0])', 'missing closing'],
    ['9223372036854775807 + 1', 'integer overflow'],
  ])('%s is an error that nothing in the object repairs', (text, message) => {
    expect(evaluate(text, DATABASE)).toEqual({ type: 'error', message: expect.stringContaining(message) });
  });

  it('does not need what an operator leaves out', () => {
    expect(evaluate('object.spec.nothing == 1 || true')).toEqual(value(true));
    expect(evaluate('has(object.status) && object.status.ready')).toEqual(value(false));
  });
});

test('64-bit integers go through unchanged', () => {
  const members = parseJson('{"spec": {"id": 9223372036854775807, "zero": 1.0}}');
  if (!isJsonObject(members)) throw new Error('no object');
  const object = { ...objectOf({}), ...members };
  const [same, less, double] = evaluator.evaluateAll(
    ['object.spec.id', 'object.spec.id - 1', 'object.spec.zero / 2.0'],
    object,
  );
  expect([same, less].map((each) => (each?.type === 'value' ? canonicalJson(each.value) : each))).toEqual([
    '9223372036854775807',
    '9223372036854775806',
  ]);
  expect(double).toEqual(value(0.5));
});

test('keys are only keys, whatever they are called', () => {
  const labels = parseJson('{"constructor": "c", "__proto__": "p", "toString": "t", "size": "s"}');
  for (const [key, found] of [
    ['constructor', 'c'],
    ['__proto__', 'p'],
    ['toString', 't'],
    ['size', 's'],
  ] as const) {
    expect(evaluate(`object.labels["${key}"]`, { labels })).toEqual(value(found));
  }
  expect(evaluate('object.spec.constructor', { spec: {} })).toMatchObject({ type: 'missing' });
  expect(evaluate('object.spec.get', { spec: {} })).toMatchObject({ type: 'missing' });
});

test('any value of an object comes out as it is', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.double({ noNaN: true }),
  );
  const finite = leaf.filter((each) => typeof each !== 'number' || Number.isFinite(each));
  const json = fc.letrec<{ tree: JsonValue }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      finite,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }),
    ),
  })).tree;
  fc.assert(
    fc.property(json, (spec) => {
      const found = evaluate('object.spec', { spec });
      return found?.type === 'value' && canonicalJson(found.value) === canonicalJson(spec);
    }),
  );
});

test('a Secret shows nothing that is secret', () => {
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'token',
      annotations: {
        note: 'x',
        'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"token":"c2VjcmV0"}}',
      },
    },
    type: 'Opaque',
    data: { token: 'c2VjcmV0' },
    stringData: { token: 'secret' },
  };
  const results = evaluator.evaluateAll(
    [
      'object.data.token',
      'object.stringData',
      'object.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]',
      'object',
    ],
    secret,
  );
  expect(results.slice(0, 3).map((result) => result.type)).toEqual(['missing', 'missing', 'missing']);
  expect(JSON.stringify(results)).not.toContain('c2VjcmV0');
  expect(results[3]).toMatchObject({ type: 'value', value: { type: 'Opaque' } });
});
