// Whatever write the process ends at, the history is the same in the end: each graph once, under its number.
import { describe, expect, test } from 'vitest';
import type { KubeObject, ResourceGraphStatus } from '../../api/index.ts';
import { hashJson, isJsonObject, type JsonObject } from '../../json/index.ts';
import { silentLogger } from '../../observability/index.ts';
import { RevisionStore } from '../../revisions/index.ts';
import { DEFAULT_GRAPH_WRITE_LIMITS, type TransformDependencies } from './dependencies.ts';
import { Crash, type CrashPoint, MemoryApi } from './memory-api.fixture.ts';
import { TransformReconciler } from './reconcile.ts';
import { sampleCondition, sampleTransform } from './sample-objects.ts';

const KEY = { namespace: 'shop', name: 'web' };
const MAX_PASSES = 40;

/** A step of a story: the spec that a user gives. A version that begins with `bad` never gets ready. */
type Step = JsonObject & { readonly input: { readonly version: string } };

function dependencies(api: MemoryApi, clock: Clock): TransformDependencies {
  const cacheOf = (kind: string) => ({
    get: (_namespace: string | undefined, name: string) => api.find(kind, name),
    observeOwnWrite: () => undefined,
  });
  const operator = api.client();
  const nobody = (): Promise<never> => Promise.reject(new Error('not part of this test'));
  return {
    transforms: cacheOf('Transform'),
    graphs: cacheOf('ResourceGraph'),
    modules: { get: () => undefined },
    namespaces: { get: () => ({ isTerminating: false }) },
    operator,
    revisions: new RevisionStore(operator),
    tenancy: { serviceAccountOf: () => 'default', clientFor: nobody, forget: () => undefined },
    sources: {
      isMoving: () => false,
      folderOf: () => '',
      resolve: async () => ({ digest: 'sha256:module' }),
      fetch: async (_ref, resolution) => {
        const tree = { digest: resolution.digest, files: new Map() };
        return { ...resolution, tree, packagePath: '.' };
      },
    },
    renderer: {
      policiesDigest: 'policies',
      evaluatorVersion: 'evaluator',
      render: async ({ input }) => {
        const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: input };
        const nodes = [{ id: 'settings', object }];
        const renderHash = hashJson(nodes);
        return { ok: true, nodes, metadata: {}, violations: [], renderHash, reads: [] };
      },
    },
    cluster: () => ({ version: 'v1.36.3', apiVersions: [] }),
    limits: DEFAULT_GRAPH_WRITE_LIMITS,
    now: () => clock.ms,
    random: () => 0.5,
  };
}

interface Clock {
  ms: number;
}

/** What the graph controller says of the graph as it is. */
function execute(api: MemoryApi): void {
  const graph = api.find('ResourceGraph', 'web');
  const spec = graph?.['spec'];
  if (graph === undefined || !isJsonObject(spec) || !isJsonObject(spec['metadata'])) return;
  const before: ResourceGraphStatus = isJsonObject(graph['status']) ? graph['status'] : {};
  const { generation = 0 } = graph.metadata;
  if (before.observedGeneration === generation) return;
  const isBad = JSON.stringify(spec['nodes']).includes('"bad');
  const { revision } = spec['metadata'];
  const ready = isBad
    ? sampleCondition('Ready', 'False', { reason: 'ProgressDeadlineExceeded' })
    : sampleCondition('Ready', 'True', { reason: 'Ready' });
  const news = isBad || typeof revision !== 'number' ? {} : { readyRevision: revision };
  api.put({ ...graph, status: { ...before, ...news, observedGeneration: generation, conditions: [ready] } });
}

/** Passes until nothing is written any more; after a crash a new process goes on. */
async function settle(api: MemoryApi, clock: Clock): Promise<void> {
  let reconciler = new TransformReconciler(dependencies(api, clock));
  const context = {
    signal: new AbortController().signal,
    log: silentLogger(),
    attempt: 0,
    aside: async <T>(work: Promise<T>) => await work,
  };
  for (let idle = 0, passes = 0; passes < MAX_PASSES; passes += 1) {
    const before = api.writes;
    // Progress is written once a second.
    clock.ms += 2_000;
    try {
      const { type } = await reconciler.reconcile(KEY, context);
      execute(api);
      idle = type === 'requeue' || api.writes > before ? 0 : idle + 1;
      if (idle === 2) return;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      reconciler = new TransformReconciler(dependencies(api, clock));
    }
  }
  throw new Error('it does not come to rest');
}

interface End {
  readonly revisions: readonly string[];
  readonly running: unknown;
  readonly current: unknown;
  readonly pin: unknown;
}

async function play(steps: readonly Step[], crash?: CrashPoint): Promise<{ end: End; writes: number }> {
  const api = new MemoryApi();
  const clock = { ms: 0 };
  api.crash = crash;
  for (const step of steps) {
    const transform = api.find('Transform', 'web') ?? sampleTransform({ metadata: { finalizers: [] } });
    api.put({ ...transform, spec: { cueRef: { type: 'inline', ref: 'graph: {}' }, ...step } });
    await settle(api, clock);
  }
  return { end: await endOf(api), writes: api.writes };
}

async function endOf(api: MemoryApi): Promise<End> {
  const store = new RevisionStore(api.client());
  const transform = api.find('Transform', 'web');
  const owner = { ...KEY, uid: transform?.metadata.uid ?? '' };
  const signal = new AbortController().signal;
  const revisions: string[] = [];
  for (const { number, wasReady } of await store.list(owner, signal)) {
    const content = await store.read(owner, number, signal);
    revisions.push(`${number} ${versionIn(content?.nodes[0]?.object)}${wasReady ? ' ready' : ''}`);
  }
  const graph = api.find('ResourceGraph', 'web');
  const spec = graph?.['spec'];
  const nodes = isJsonObject(spec) && Array.isArray(spec['nodes']) ? spec['nodes'] : [];
  const status = isJsonObject(transform?.['status']) ? transform['status'] : {};
  const pin = isJsonObject(status['pin']) ? status['pin']['revision'] : undefined;
  const running = versionIn(isJsonObject(nodes[0]) ? nodes[0]['object'] : undefined);
  return { revisions: revisions.sort(), running, current: status['currentRevision'], pin };
}

function versionIn(object: unknown): unknown {
  const data = isKube(object) ? object['data'] : undefined;
  return isJsonObject(data) ? data['version'] : undefined;
}

function isKube(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'data' in value;
}

const step = (version: string, more: JsonObject = {}): Step => ({ ...more, input: { version } });
const careful = { rollbackOnFailure: true };

const STORIES: readonly { readonly name: string; readonly steps: readonly Step[]; readonly end: End }[] = [
  {
    name: 'changes, with a history of two',
    steps: ['a', 'b', 'c', 'd'].map((version) => step(version, { revisionHistoryLimit: 2 })),
    end: { revisions: ['2 b ready', '3 c ready'], running: 'd', current: 4, pin: undefined },
  },
  {
    name: 'back by hand, and forth again',
    steps: [step('a'), step('b'), step('b', { rollbackTo: 1 }), step('b'), step('c')],
    end: { revisions: ['1 a ready', '2 b ready', '3 b ready'], running: 'c', current: 4, pin: undefined },
  },
  {
    name: 'back after a failure, and there it stays',
    steps: [step('a', careful), step('bad', careful)],
    end: { revisions: ['1 a ready', '2 bad'], running: 'a', current: 1, pin: 1 },
  },
  {
    name: 'two failures and a way out',
    steps: [step('a', careful), step('bad 1', careful), step('bad 2', careful), step('b', careful)],
    end: { revisions: ['1 a ready', '2 bad 1', '3 bad 2'], running: 'b', current: 4, pin: undefined },
  },
];

describe.each(STORIES)('$name', ({ steps, end }) => {
  test('comes to this end, whatever write the process ends at', async () => {
    const undisturbed = await play(steps);
    expect(undisturbed.end).toEqual(end);
    for (let write = 1; write <= undisturbed.writes; write += 1) {
      for (const isAfter of [false, true]) {
        const { end: found } = await play(steps, { write, isAfter });
        expect(found, `ended ${isAfter ? 'after' : 'before'} write ${write}`).toEqual(end);
      }
    }
  });
});
