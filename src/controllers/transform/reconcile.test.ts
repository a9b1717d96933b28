import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../api/index.ts';
import { InvalidObjectError, SourceError } from '../../errors.ts';
import { getPointer, hashJson, isJsonObject, type JsonObject, type JsonValue } from '../../json/index.ts';
import { ApiError, type JsonPatchOperation } from '../../kube/index.ts';
import { silentLogger } from '../../observability/index.ts';
import { RenderError, type RenderResult } from '../../render/index.ts';
import { DEFAULT_GRAPH_WRITE_LIMITS, type TransformDependencies } from './dependencies.ts';
import { TransformReconciler } from './reconcile.ts';
import { sampleGraph, sampleGraphSpec, sampleTransform } from './sample-objects.ts';

const KEY = { namespace: 'shop', name: 'web' };
const { nodes } = sampleGraphSpec();
const RENDERED: RenderResult = {
  ok: true,
  nodes,
  metadata: {},
  violations: [],
  renderHash: hashJson(nodes),
  reads: [],
};

interface World {
  transform: KubeObject | undefined;
  graph: KubeObject | undefined;
  isTerminating: boolean;
  result: RenderResult;
  /** What the next write is answered with, if not with success. */
  refusal: Error | undefined;
  /** What the API server makes of the nodes of a new graph. */
  store: (spec: JsonValue | undefined) => JsonValue | undefined;
  renders: number;
  nowMs: number;
  module: Error | undefined;
  readonly writes: (readonly [verb: string, kind: string, status: JsonValue | undefined])[];
}

function setUp(parts: Partial<World> = {}) {
  const world: World = {
    transform: sampleTransform(),
    graph: undefined,
    isTerminating: false,
    result: RENDERED,
    refusal: undefined,
    store: (spec) => spec,
    renders: 0,
    nowMs: 0,
    module: undefined,
    writes: [],
    ...parts,
  };
  const cache = (field: 'graph' | 'transform') => ({
    get: () => world[field],
    observeOwnWrite: (object: KubeObject) => {
      world[field] = object;
    },
  });
  const answer = (verb: string, kind: string, object: KubeObject, status?: JsonValue): KubeObject => {
    if (world.refusal !== undefined) throw world.refusal;
    world.writes.push([verb, kind, status]);
    return object;
  };
  const deps: TransformDependencies = {
    transforms: cache('transform'),
    graphs: cache('graph'),
    modules: { get: () => undefined },
    namespaces: { get: () => ({ isTerminating: world.isTerminating }) },
    operator: {
      create: async (resource, object) => {
        const metadata = { ...object.metadata, uid: 'graph-uid', generation: 1, resourceVersion: '1' };
        const spec = world.store(object['spec']);
        return answer('create', resource.kind, {
          ...object,
          metadata,
          ...(spec === undefined ? {} : { spec }),
        });
      },
      jsonPatch: async (resource, _key, operations) => {
        const status = valueAt(operations, '/status');
        const current = resource.kind === 'Transform' ? world.transform : world.graph;
        if (current === undefined) throw new Error('nothing to patch');
        return answer(
          'patch',
          resource.kind,
          status === undefined ? current : { ...current, status },
          status,
        );
      },
      get: () => Promise.reject(new Error('not part of this test')),
      delete: () => Promise.reject(new Error('not part of this test')),
    },
    revisions: {
      list: async () => [],
      keep: async (_owner, { number }) => ({
        number,
        name: `web-${number}`,
        uid: 'revision-uid',
        resourceVersion: '1',
        renderHash: undefined,
        wasReady: false,
      }),
      read: async () => undefined,
      remove: async () => undefined,
      readCandidate: async () => undefined,
      removeCandidates: async () => undefined,
      saveCandidate: async () => Promise.reject(new Error('not part of this test')),
    },
    tenancy: {
      serviceAccountOf: () => 'default',
      clientFor: () => Promise.reject(new Error('not part of this test')),
      forget: () => undefined,
    },
    sources: {
      isMoving: () => false,
      folderOf: () => '',
      resolve: async () => ({ digest: 'sha256:module' }),
      fetch: async (_ref, resolution) => {
        if (world.module !== undefined) throw world.module;
        const tree = { digest: resolution.digest, files: new Map() };
        return { ...resolution, tree, packagePath: '.' };
      },
    },
    renderer: {
      policiesDigest: 'policies',
      evaluatorVersion: 'evaluator',
      render: async () => {
        world.renders += 1;
        return world.result;
      },
    },
    cluster: () => ({ version: 'v1.36.3', apiVersions: [] }),
    limits: DEFAULT_GRAPH_WRITE_LIMITS,
    now: () => world.nowMs,
    random: () => 0.5,
  };
  const reconciler = new TransformReconciler(deps);
  const context = {
    signal: new AbortController().signal,
    log: silentLogger(),
    attempt: 0,
    aside: async <T>(work: Promise<T>) => await work,
  };
  return { world, pass: () => reconciler.reconcile(KEY, context) };
}

function valueAt(operations: readonly JsonPatchOperation[], path: string): JsonValue | undefined {
  const found = operations.find((operation) => operation.path === path);
  return found !== undefined && 'value' in found ? found.value : undefined;
}

function conflict(): ApiError {
  return new ApiError('the object has been modified', {
    code: 'API_CONFLICT',
    reason: 'Conflict',
    retry: 'backoff',
    statusCode: 409,
    statusReason: 'Conflict',
    statusMessage: '',
    details: { name: '', group: '', kind: '', causes: [] },
    retryAfterMs: undefined,
    isJsonStatus: true,
    route: { verb: 'create', resource: 'resourcegraphs' },
  });
}

describe('a pass', () => {
  test('over a Transform that is gone does nothing', async () => {
    const { world, pass } = setUp({ transform: undefined });
    expect(await pass()).toEqual({ type: 'done' });
    expect(world.writes).toEqual([]);
  });

  test('over a Transform that can not be read says so, names the fields, and touches nothing else', async () => {
    const broken = { ...sampleTransform(), spec: { cueRef: { type: 'ftp', ref: 7 }, interval: 'soon' } };
    const { world, pass } = setUp({ transform: broken });
    expect(await pass()).toEqual({ type: 'done' });
    const [write, ...others] = world.writes;
    expect(others).toEqual([]);
    expect(write?.slice(0, 2)).toEqual(['patch', 'Transform']);
    const message = getPointer(write?.[2], '/conditions/0/message');
    for (const field of ['spec.cueRef.type', 'spec.cueRef.ref', 'spec.interval'])
      expect(message).toContain(field);
    await pass();
    expect(world.writes).toHaveLength(1);
  });

  test('in a terminating namespace creates nothing', async () => {
    const { world, pass } = setUp({ isTerminating: true });
    expect(await pass()).toEqual({ type: 'done' });
    expect([world.writes, world.renders]).toEqual([[], 0]);
  });

  test('creates the graph and leaves its progress for later', async () => {
    const { world, pass } = setUp();
    expect(await pass()).toEqual({ type: 'requeueAfter', ms: 1000 });
    expect(await pass()).toEqual({ type: 'requeueAfter', ms: 1000 });
    expect(world.writes).toEqual([['create', 'ResourceGraph', undefined]]);
    expect(world.renders).toBe(1);
  });

  test('that is overtaken looks again', async () => {
    const { world, pass } = setUp({ refusal: conflict() });
    expect(await pass()).toEqual({ type: 'requeue' });
    world.refusal = undefined;
    await pass();
    expect(world.writes).toEqual([['create', 'ResourceGraph', undefined]]);
  });

  test('says what the API server has against the graph, and tries again later', async () => {
    const { world, pass } = setUp({
      refusal: new InvalidObjectError('spec.nodes[0].id: must match', { field: 'spec.nodes[0].id' }),
    });
    // The first refusal is of the graph, the second of the status that says so.
    await expect(pass()).rejects.toThrow('must match');
    world.refusal = undefined;
    await pass();
    expect(world.renders).toBe(1);
    const [write, ...others] = world.writes;
    expect([write?.slice(0, 2), others]).toEqual([['patch', 'Transform'], []]);
    expect(getPointer(write?.[2], '/violations/0/message')).toBe('spec.nodes[0].id: must match');
    world.nowMs = 5 * 60_000;
    await pass();
    expect(world.writes[1]).toEqual(['create', 'ResourceGraph', undefined]);
  });

  test('that the API server refused is tried again soon, and ever more slowly', async () => {
    const refusal = new InvalidObjectError('spec.nodes[0].id: must match', {
      retry: { backoffToMs: 5 * 60_000 },
    });
    const { world, pass } = setUp({ refusal });
    const rendersAfter = async (ms: number): Promise<number> => {
      world.nowMs += ms;
      await pass().catch(() => undefined);
      return world.renders;
    };
    expect(await rendersAfter(0)).toBe(1);
    expect(await rendersAfter(400)).toBe(1);
    expect(await rendersAfter(700)).toBe(2);
    expect(await rendersAfter(900)).toBe(2);
    expect(await rendersAfter(1_200)).toBe(3);
    for (let failure = 0; failure < 20; failure += 1) await rendersAfter(5 * 60_000);
    const { renders } = world;
    expect(await rendersAfter(2 * 60_000)).toBe(renders);
    world.refusal = undefined;
    await rendersAfter(3 * 60_000);
    expect(world.writes.map((write) => write.slice(0, 2))).toContainEqual(['create', 'ResourceGraph']);
  });

  test('writes no graph that could not be executed', async () => {
    const cyclic = nodes.map((node) => ({ ...node, dependsOn: ['config'] }));
    const { world, pass } = setUp({ result: { ...RENDERED, nodes: cyclic, renderHash: hashJson(cyclic) } });
    await pass();
    await pass();
    expect(world.writes.map(([verb, kind]) => `${verb} ${kind}`)).toEqual(['patch Transform']);
    expect(getPointer(world.writes[0]?.[2], '/violations/0/message')).toContain('config');
    expect(world.renders).toBe(1);
  });

  test('looks for a missing module folder ever more slowly', async () => {
    const { world, pass } = setUp();
    world.module = new SourceError('SOURCE_NOT_FOUND', 'no such folder');
    const delays: (number | undefined)[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const result = await pass();
      const delayMs = result.type === 'requeueAfter' ? result.ms : undefined;
      delays.push(delayMs);
      world.nowMs += delayMs ?? 0;
    }
    expect(delays).toEqual([750, 1500, 3000, 6000]);
  });

  test('does not repeat a render that failed', async () => {
    const violations = [{ path: 'input', message: 'wrong', severity: 'Error' }] as const;
    const error = new RenderError('INPUT_INVALID', violations);
    const result = { ok: false, phase: 'Validated', violations, error, reads: [] } as const;
    const { world, pass } = setUp({ result });
    await pass();
    await pass();
    expect(world.renders).toBe(1);
    expect(world.writes.map(([verb, kind]) => `${verb} ${kind}`)).toEqual(['patch Transform']);
  });

  test('does not write again what the API server stores in its own way', async () => {
    const addDefaults = (spec: JsonValue | undefined): JsonObject => {
      const changed = nodes.map((node) => ({ ...node, dependsOn: [] }));
      return { ...(isJsonObject(spec) ? spec : {}), nodes: changed };
    };
    const { world, pass } = setUp({ store: addDefaults });
    await pass();
    await pass();
    expect(world.writes).toEqual([['create', 'ResourceGraph', undefined]]);
  });

  test('waits for an earlier graph of the name to be gone', async () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const { world, pass } = setUp({ graph: sampleGraph({ metadata }) });
    await pass();
    expect([world.writes, world.renders]).toEqual([[], 0]);
    world.graph = undefined;
    await pass();
    expect(world.writes).toEqual([['create', 'ResourceGraph', undefined]]);
  });
});
