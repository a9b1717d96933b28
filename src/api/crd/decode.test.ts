import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson } from '../../json/index.ts';
import { isKubeObject, type KubeObject } from '../meta.ts';
import { decodeResourceGraph, decodeTransform, describeProblems } from './index.ts';

const API_VERSION = 'platform.pequod.io/v1alpha1';

function transform(spec: JsonObject, status?: JsonObject): KubeObject {
  const metadata = { name: 'web', namespace: 'shop', uid: 'u', generation: 2, finalizers: ['a/b'] };
  const object = { apiVersion: API_VERSION, kind: 'Transform', metadata, spec };
  return status === undefined ? object : { ...object, status };
}

const NODE = {
  id: 'web',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: 'b' } },
  readyWhen: [{ type: 'ConditionMatch', conditionType: 'Ready', timeout: '1m' }, { type: 'Exists' }],
  ignoreFields: ['/data/a'],
};
const ITEM = {
  nodeId: 'web',
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  namespace: 'shop',
  name: 'web',
  origin: 'Created',
  deletion: 'Delete',
  wave: 0,
};

function graph(node: JsonObject, item: JsonObject = ITEM): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: 'ResourceGraph',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      sourceRef: { kind: 'Transform', name: 'web', uid: 'u' },
      metadata: {
        platformRef: 'embedded:web',
        renderHash: 'h',
        renderedAt: '2026-01-01T00:00:00Z',
        digest: 'd',
      },
      nodes: [node],
      serviceAccountName: 'default',
      deletionPolicy: 'Delete',
    },
    status: { observedGeneration: -1, inventory: { graphUID: 'u', items: [item] } },
  };
}

function problemsOf(
  decoded: ReturnType<typeof decodeTransform> | ReturnType<typeof decodeResourceGraph>,
): string {
  return decoded.ok ? '' : describeProblems(decoded.problems);
}

const EMBEDDED = { type: 'embedded', ref: 'webservice' };

describe('decodeTransform', () => {
  it('takes what users write', () => {
    const object = transform({
      cueRef: { ...EMBEDDED, path: 'a/b' },
      input: { anything: [null] },
      serviceAccountName: 'shop.admin',
      deletionPolicy: 'Orphan',
      interval: '1h30m',
    });
    expect(decodeTransform(object)).toEqual({ ok: true, value: object, warnings: [] });
  });

  it.each<[string, JsonObject, string]>([
    ['spec.cueRef: is required', {}, 'nothing'],
    ['spec.cueRef.type: must be one of', { cueRef: { type: 'ftp', ref: 'x' } }, 'an unknown source'],
    ['spec.cueRef.ref: must not be empty', { cueRef: { type: 'inline', ref: '' } }, 'an empty module'],
    ['spec.cueRef.ref: must not be blank', { cueRef: { type: 'inline', ref: ' \n' } }, 'a blank module'],
    [
      'spec.cueRef.ref: type configmap: must be the name of a ConfigMap',
      { cueRef: { type: 'configmap', ref: 'A_b' } },
      'no name',
    ],
    [
      'spec.cueRef.ref: type embedded: must be the name of a platform',
      { cueRef: { type: 'embedded', ref: 'a b' } },
      'no type',
    ],
    ['spec.cueRef.path: must be relative', { cueRef: { ...EMBEDDED, path: '/etc' } }, 'an absolute path'],
    [
      'spec.cueRef.path: must be relative',
      { cueRef: { ...EMBEDDED, path: 'a/../../b' } },
      'a path that climbs',
    ],
    ['spec.interval: must be a duration', { cueRef: EMBEDDED, interval: '5 minutes' }, 'a bad duration'],
    ['spec.interval: must be longer', { cueRef: EMBEDDED, interval: '0s' }, 'no duration'],
    ['spec.interval: must be a string', { cueRef: EMBEDDED, interval: 5 }, 'a number for a duration'],
    ['spec.input: must be an object', { cueRef: EMBEDDED, input: 'x' }, 'a text for input'],
    ['spec.serviceAccountName: must match', { cueRef: EMBEDDED, serviceAccountName: 'A' }, 'a bad account'],
    ['spec.deletionPolicy: must be one of', { cueRef: EMBEDDED, deletionPolicy: 'Keep' }, 'a bad policy'],
  ])('says %s', (problem, spec) => {
    expect(problemsOf(decodeTransform(transform(spec)))).toContain(problem);
  });

  it('survives the poison: nulls everywhere, huge integers, objects without a spec', () => {
    const poison = [
      '{"spec": null, "status": null}',
      '{"spec": {"cueRef": null, "input": null}}',
      '{"spec": [], "status": 7}',
      '{}',
      '{"metadata": {"name": null, "labels": {"a": null}, "generation": 99999999999999999999}, "spec": {}}',
    ];
    for (const text of poison) {
      const part = parseJson(text);
      const object = { ...transform({}), spec: undefined, ...(typeof part === 'object' ? part : {}) };
      expect(isKubeObject(object) && decodeTransform(object).ok).toBe(false);
    }
  });

  it('leaves out a status that it can find out again', () => {
    const broken = transform({ cueRef: EMBEDDED }, { observedGeneration: 'one', nodes: { web: null } });
    expect(decodeTransform(broken)).toEqual({
      ok: true,
      value: transform({ cueRef: EMBEDDED }),
      warnings: [
        { path: 'status.observedGeneration', message: 'must be an integer, not a string' },
        { path: 'status.nodes.web', message: 'must be an object, not null' },
      ],
    });
  });
});

describe('decodeResourceGraph', () => {
  it('takes what the operator writes', () => {
    const object = graph(NODE);
    expect(decodeResourceGraph(object)).toEqual({ ok: true, value: object });
  });

  it.each<[string, JsonObject]>([
    ['spec.nodes[0].id: must be the id', { ...NODE, id: 'Web' }],
    ['spec.nodes[0].id: must have 63', { ...NODE, id: 'a'.repeat(64) }],
    [
      'spec.nodes[0].object.metadata.name: is required',
      { ...NODE, object: { ...NODE.object, metadata: {} } },
    ],
    [
      'spec.nodes[0].object.kind: is required',
      { ...NODE, object: { apiVersion: 'v1', metadata: { name: 'a' } } },
    ],
    ['spec.nodes[0].dependsOn[0]: must be the id', { ...NODE, dependsOn: ['-'] }],
    ['spec.nodes[0].ignoreFields[0]: must be a JSON pointer', { ...NODE, ignoreFields: ['spec.replicas'] }],
    ['spec.nodes[0].ignoreFields[0]: must not be a part', { ...NODE, ignoreFields: ['/metadata/name'] }],
    [
      'spec.nodes[0].readyWhen[0].conditionType: is required',
      { ...NODE, readyWhen: [{ type: 'ConditionMatch' }] },
    ],
    ...[
      { type: 'External', url: 'tcp://db' },
      { type: 'External', url: 'grpc://db/health' },
      { type: 'External', url: 'http://me@db' },
      { type: 'Webhook', url: 'tcp://db:80' },
    ].map((predicate): [string, JsonObject] => [
      'spec.nodes[0].readyWhen[0].url: must be a URL',
      { ...NODE, readyWhen: [predicate] },
    ]),
    ['spec.nodes[0].readyWhen[0].type: must be one of', { ...NODE, readyWhen: [{ type: 'Maybe' }] }],
    [
      'spec.nodes[0].readyWhen[0].timeout: must be a duration',
      { ...NODE, readyWhen: [{ type: 'Exists', timeout: '-1s' }] },
    ],
  ])('says %s', (problem, node) => {
    expect(problemsOf(decodeResourceGraph(graph(node)))).toContain(problem);
  });

  it('refuses a graph whose inventory is not understood', () => {
    const { origin: _, ...withoutOrigin } = ITEM;
    expect(problemsOf(decodeResourceGraph(graph(NODE, withoutOrigin)))).toBe(
      'status.inventory.items[0].origin: is required',
    );
    expect(decodeResourceGraph(graph(NODE, { ...ITEM, wave: null })).ok).toBe(false);
  });
});
