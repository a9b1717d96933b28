import { expect, test } from 'vitest';
import type { KubeObject } from '../../api/index.ts';
import { observe } from '../../apply/index.ts';
import { expressionHash } from '../../cel/index.ts';
import { applySetId } from '../../graph/index.ts';
import type { JsonValue } from '../../json/index.ts';
import { expressionsOf, NodeInterests } from './node-interests.ts';

const KEY = { namespace: 'shop', name: 'web' };

function graphOf(nodes: JsonValue): KubeObject {
  return {
    apiVersion: 'platform.pequod.io/v1alpha1',
    kind: 'ResourceGraph',
    metadata: { ...KEY },
    spec: { nodes },
  };
}

function child(node: string, status: JsonValue): KubeObject {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Database',
    metadata: {
      name: 'db',
      labels: { 'pequod.io/graph': applySetId(KEY) },
      annotations: { 'pequod.io/node': node },
    },
    status,
  };
}

test('an observation holds what the expressions of its node came to', () => {
  const interests = new NodeInterests();
  interests.update(
    KEY,
    graphOf([
      {
        id: 'db',
        exports: { host: 'object.status.host', port: 'object.status.port' },
        readyWhen: [{ type: 'CEL', expression: 'object.status.host != ""', failedWhen: 'object.status.bad' }],
      },
      { id: 'other' },
    ]),
  );
  const { answers } = observe(child('db', { host: 'db-1' }), interests);
  expect(answers).toEqual({
    [expressionHash('object.status.host')]: { type: 'value', value: 'db-1' },
    [expressionHash('object.status.port')]: { type: 'missing', message: expect.stringContaining('port') },
    [expressionHash('object.status.host != ""')]: { type: 'value', value: true },
    [expressionHash('object.status.bad')]: { type: 'missing', message: expect.stringContaining('bad') },
  });
  expect(observe(child('other', {}), interests)).not.toHaveProperty('answers');
  expect(observe(child('unknown', {}), interests)).not.toHaveProperty('answers');
  interests.update(KEY, undefined);
  expect(observe(child('db', {}), interests)).not.toHaveProperty('answers');
});

test('a graph of any shape is taken in', () => {
  const interests = new NodeInterests();
  for (const nodes of [
    'nodes',
    [1, null, { id: 4 }, { id: 'db', exports: [1], readyWhen: 'x', ignoreFields: { a: 1 } }],
    [{ id: 'db', exports: { a: 1 }, readyWhen: [null, { type: 'CEL' }], ignoreFields: ['/spec/a', 7] }],
  ]) {
    interests.update(KEY, graphOf(nodes));
    expect(interests.answersOf(child('db', {}))).toBeUndefined();
  }
  expect(interests.ignoredPointersOf(child('db', {}))).toEqual(['/spec/a']);
});

test('each expression is named once', () => {
  expect(
    expressionsOf({
      exports: { one: 'object.a', two: 'object.a' },
      readyWhen: [{ type: 'CEL', expression: 'object.a' }, { type: 'Exists' }],
    }),
  ).toEqual(['object.a']);
});
