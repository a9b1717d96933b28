import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  decodeResourceGraph,
  decodeTransform,
  describeProblems,
  MAX_INLINE_LENGTH,
  MAX_MESSAGE_LENGTH,
  MAX_NODES,
} from '../../../src/api/crd/index.ts';
import { API_VERSION, isKubeObject, type KubeObject } from '../../../src/api/index.ts';
import { type JsonObject, parseJson } from '../../../src/json/index.ts';
import { MAX_CONDITION_MESSAGE_LENGTH, setCondition } from '../../../src/runtime/index.ts';
import { accessControlPlane, KubectlError } from '../../control-plane/index.ts';

const { kubectl } = accessControlPlane(inject('controlPlane'));
const namespace = `crds-${randomUUID().slice(0, 8)}`;
const EMBEDDED = { type: 'embedded', ref: 'webservice' };

beforeAll(async () => {
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', 'crds/']);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', 'crds/']);
  await kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
});

function transform(name: string, spec: JsonObject): KubeObject {
  return { apiVersion: API_VERSION, kind: 'Transform', metadata: { name, namespace }, spec };
}

function graph(name: string, spec: JsonObject): KubeObject {
  const metadata = { platformRef: 'p', renderHash: 'h', renderedAt: '2026-01-01T00:00:00Z', digest: 'd' };
  const sourceRef = { kind: 'Transform', name, uid: 'u' };
  return {
    apiVersion: API_VERSION,
    kind: 'ResourceGraph',
    metadata: { name, namespace },
    spec: {
      sourceRef,
      metadata,
      nodes: [],
      serviceAccountName: 'default',
      deletionPolicy: 'Delete',
      ...spec,
    },
  };
}

function node(fields: JsonObject): JsonObject {
  return { id: 'web', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' } }, ...fields };
}

async function create(object: KubeObject, ...flags: readonly string[]): Promise<KubeObject> {
  const created = parseJson(
    await kubectl(['create', '-o', 'json', ...flags, '-f', '-'], JSON.stringify(object)),
  );
  if (!isKubeObject(created)) throw new Error('kubectl did not answer with an object');
  return created;
}

/** What the API server says against the object; empty where it takes it. */
async function refusal(object: KubeObject): Promise<string> {
  try {
    await create(object, '--dry-run=server');
    return '';
  } catch (error) {
    if (error instanceof KubectlError) return error.stderr;
    throw error;
  }
}

function decoderRefusal(object: KubeObject): string {
  const decoded = object.kind === 'Transform' ? decodeTransform(object) : decodeResourceGraph(object);
  return decoded.ok ? '' : describeProblems(decoded.problems);
}

const BAD: readonly (readonly [field: string, why: string, object: KubeObject])[] = [
  ['spec.cueRef', 'no module', transform('t', {})],
  ['spec.cueRef.type', 'an unknown source', transform('t', { cueRef: { type: 'ftp', ref: 'x' } })],
  ['spec.cueRef.ref', 'no ref', transform('t', { cueRef: { type: 'inline' } })],
  ['spec.cueRef.ref', 'an empty ref', transform('t', { cueRef: { type: 'inline', ref: '' } })],
  ['spec.cueRef.ref', 'a blank ref', transform('t', { cueRef: { type: 'inline', ref: ' \n\t ' } })],
  [
    'spec.cueRef.ref',
    'a long module',
    transform('t', { cueRef: { type: 'inline', ref: 'x'.repeat(MAX_INLINE_LENGTH + 1) } }),
  ],
  [
    'spec.cueRef.ref',
    'a bad ConfigMap name',
    transform('t', { cueRef: { type: 'configmap', ref: 'My_Map' } }),
  ],
  ['spec.cueRef.ref', 'a bad platform type', transform('t', { cueRef: { type: 'embedded', ref: 'a b' } })],
  ['spec.cueRef.path', 'an absolute path', transform('t', { cueRef: { ...EMBEDDED, path: '/etc' } })],
  ['spec.cueRef.path', 'a path that climbs', transform('t', { cueRef: { ...EMBEDDED, path: 'a/../../b' } })],
  ['spec.input', 'input that is a text', transform('t', { cueRef: EMBEDDED, input: 'x' })],
  ['spec.interval', 'a bad duration', transform('t', { cueRef: EMBEDDED, interval: '5 minutes' })],
  ['spec.interval', 'a negative duration', transform('t', { cueRef: EMBEDDED, interval: '-5m' })],
  ['spec.interval', 'no duration at all', transform('t', { cueRef: EMBEDDED, interval: '0h0m' })],
  ['spec.serviceAccountName', 'a bad account', transform('t', { cueRef: EMBEDDED, serviceAccountName: 'A' })],
  ['spec.deletionPolicy', 'a bad policy', transform('t', { cueRef: EMBEDDED, deletionPolicy: 'Keep' })],
  ['spec.nodes[0].id', 'a bad id', graph('g', { nodes: [node({ id: 'Web' })] })],
  [
    'spec.nodes[0].object.kind',
    'no kind',
    graph('g', { nodes: [node({ object: { apiVersion: 'v1', metadata: { name: 'a' } } })] }),
  ],
  ['spec.nodes[0].ignoreFields[0]', 'no pointer', graph('g', { nodes: [node({ ignoreFields: ['spec'] })] })],
  [
    'spec.nodes[0].ignoreFields[0]',
    'the name',
    graph('g', { nodes: [node({ ignoreFields: ['/metadata/name'] })] }),
  ],
  [
    'spec.nodes[0].readyWhen[0].timeout',
    'a bad timeout',
    graph('g', { nodes: [node({ readyWhen: [{ type: 'Exists', timeout: 'soon' }] })] }),
  ],
  [
    'spec.nodes[0].readyWhen[0]',
    'a condition without type',
    graph('g', { nodes: [node({ readyWhen: [{ type: 'ConditionMatch' }] })] }),
  ],
  ['spec.serviceAccountName', 'no account', graph('g', { serviceAccountName: null })],
];

const GOOD: readonly (readonly [what: string, object: KubeObject])[] = [
  ['the least', transform('t', { cueRef: EMBEDDED })],
  [
    'everything',
    transform('t', {
      cueRef: { type: 'inline', ref: 'x'.repeat(MAX_INLINE_LENGTH), path: 'a/b..c' },
      input: { list: [1, { deep: true }], text: '' },
      serviceAccountName: 'a.b-c',
      deletionPolicy: 'Orphan',
      interval: '1h30m0.5s500ms',
    }),
  ],
  ['a ConfigMap', transform('t', { cueRef: { type: 'configmap', ref: 'my-map.v1' } })],
  ['a graph without nodes', graph('g', {})],
  [
    'a graph with all kinds of readiness',
    graph('g', {
      nodes: [
        node({
          dependsOn: ['db'],
          ignoreFields: ['/spec/replicas', '/metadata/annotations/a~1b'],
          readyWhen: [
            { type: 'ConditionMatch', conditionType: 'Ready', conditionStatus: 'False', timeout: '99999h' },
            { type: 'DeploymentAvailable' },
            { type: 'StatefulSetReady' },
            { type: 'JobComplete' },
            { type: 'Exists', timeout: '1ms' },
          ],
        }),
      ],
    }),
  ],
];

describe('the API server and the decoder', () => {
  it.each(BAD)('both refuse at %s: %s', async (field, _why, object) => {
    expect(await refusal(object)).toContain(field);
    expect(decoderRefusal(object)).toContain(field);
  });

  it.each(GOOD)('both take %s', async (_what, object) => {
    expect(await refusal(object)).toBe('');
    expect(decoderRefusal(object)).toBe('');
  });

  it('say in words what is wrong, and name every fault at once', async () => {
    const cueRef = { type: 'configmap', ref: ' ', path: '..' };
    const stderr = await refusal(transform('t', { cueRef, interval: '0s' }));
    expect(stderr).toContain('spec.cueRef.ref: Invalid value: "\u0020": must not be blank');
    expect(stderr).toContain("must be relative to the module's root, without ..");
    expect(stderr).toContain('spec.interval: Invalid value: "0s": must be longer than zero');
  });

  it('agree on predicates of which a field belongs to another type', async () => {
    const nodes = [node({ readyWhen: [{ type: 'Exists', conditionType: 'Ready' }] })];
    expect(await refusal(graph('g', { nodes }))).toContain(
      'conditionType is allowed only for ConditionMatch',
    );
  });
});

describe('an installed definition', () => {
  it('shows a fresh object as not observed, whatever status it was created with', async () => {
    const fresh = await create({
      ...transform('fresh', { cueRef: EMBEDDED }),
      status: { observedGeneration: 1 },
    });
    expect(fresh).toMatchObject({ metadata: { generation: 1 }, status: { observedGeneration: -1 } });
    expect(await create(graph('fresh', {}))).toMatchObject({ status: { observedGeneration: -1 } });
    expect(decodeTransform(fresh)).toMatchObject({ ok: true, warnings: [] });
  });

  it('keeps input and nodes as they are, to the last field', async () => {
    const input = { n: 1, list: [], empty: {}, text: '1.0', deep: { 'a/b': [true, '', null], none: null } };
    expect(await create(transform('verbatim', { cueRef: EMBEDDED, input }))).toMatchObject({
      spec: { input },
    });
    const object = {
      apiVersion: 'example.com/v1',
      kind: 'Anything',
      metadata: { name: 'a', labels: { a: 'b' }, unknown: { kept: true } },
      spec: { from: [{}], default: { x: 1 } },
      data: 'top level too',
    };
    const created = await create(graph('verbatim', { nodes: [node({ object })] }));
    expect(created).toMatchObject({ spec: { nodes: [{ object }] } });
  });

  it('takes the largest graph that the limits allow for', async () => {
    const nodes = Array.from({ length: MAX_NODES }, (_, index) => node({ id: `n${index}` }));
    expect(await refusal(graph('g', { nodes }))).toBe('');
    expect(await refusal(graph('g', { nodes: [...nodes, node({ id: 'more' })] }))).toContain('spec.nodes');
  });

  it('takes a condition with the longest message that the operator writes, and one of a type', async () => {
    expect(MAX_CONDITION_MESSAGE_LENGTH).toBe(MAX_MESSAGE_LENGTH);
    await create(transform('conditions', { cueRef: EMBEDDED }));
    const ready = {
      type: 'Ready',
      status: 'False',
      reason: 'Fetching',
      message: '😀'.repeat(5_000),
    } as const;
    const conditions = setCondition([], { ...ready, observedGeneration: 1 }, '2026-01-01T00:00:00Z');
    const patch = JSON.stringify({ status: { conditions, blockedBy: 'Deployment web' } });
    const target = ['transform', 'conditions', '-n', namespace];
    await kubectl(['patch', ...target, '--subresource=status', '--type=merge', '-p', patch]);
    const table = await kubectl(['get', ...target, '--no-headers']);
    expect(table).toMatch(/^conditions\s+False\s+Fetching\s+embedded\s+Deployment web\s+\d+s/);
    const twice = JSON.stringify({ status: { conditions: [...conditions, ...conditions] } });
    await expect(
      kubectl(['patch', ...target, '--subresource=status', '--type=merge', '-p', twice]),
    ).rejects.toThrow('Duplicate value');
  });

  it('has its columns, short names and category', async () => {
    await create(transform('columns', { cueRef: EMBEDDED }));
    const [transforms, wide, graphs] = await Promise.all([
      kubectl(['get', 'tf', '-n', namespace]),
      kubectl(['get', 'tf', '-n', namespace, '-o', 'wide']),
      kubectl(['get', 'rg', '-n', namespace]),
    ]);
    expect(transforms).toMatch(/^NAME +READY +REASON +NODES +MODULE +BLOCKED BY +AGE\n/);
    expect(wide).toMatch(/^NAME +READY +REASON +NODES +MODULE +REVISION +DIGEST +BLOCKED BY +AGE\n/);
    expect(graphs).toMatch(/^NAME +PHASE +READY +HEALTHY +BLOCKED BY +AGE\n/);
    expect(await kubectl(['get', 'pequod', '-n', namespace])).toContain(
      'transform.platform.pequod.io/columns',
    );
  });

  it('can be selected by module type and by phase', async () => {
    await create(transform('by-field', { cueRef: { type: 'inline', ref: 'x: 1' } }));
    await create(graph('by-field', {}));
    const patch = JSON.stringify({ status: { phase: 'Failed' } });
    await kubectl([
      'patch',
      'rg',
      'by-field',
      '-n',
      namespace,
      '--subresource=status',
      '--type=merge',
      '-p',
      patch,
    ]);
    const select = ['-n', namespace, '-o', 'name', '--field-selector'];
    expect(await kubectl(['get', 'tf', ...select, 'spec.cueRef.type=inline'])).toBe(
      'transform.platform.pequod.io/by-field\n',
    );
    expect(await kubectl(['get', 'rg', ...select, 'status.phase=Failed'])).toBe(
      'resourcegraph.platform.pequod.io/by-field\n',
    );
  });
});
