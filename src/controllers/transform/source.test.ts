import { describe, expect, test } from 'vitest';
import type { CueRef, KubeObject, Transform, TransformStatus } from '../../api/index.ts';
import { NotAskedError, SourceError, TerminalError } from '../../errors.ts';
import { TransportError } from '../../kube/index.ts';
import type { Resolution, SourceContext } from '../../source/index.ts';
import type { TransformMemory } from './memory.ts';
import { sampleCondition, sampleTransform } from './sample-objects.ts';
import { contentFailed, resolveSource, sourceWorked } from './source.ts';
import { TenantReads } from './tenant-reads.ts';

const MINUTE = 60_000;

/** A source that answers as told, and counts how often it is asked. */
function setUp() {
  const state = {
    nowMs: 0,
    asked: 0,
    maxAgesMs: [] as number[],
    answer: { digest: 'sha256:one' } as Resolution | Error,
    watched: undefined as KubeObject | undefined,
  };
  const deps = {
    now: () => state.nowMs,
    random: () => 0.5,
    modules: { get: () => state.watched },
    sources: {
      isMoving: ({ ref }: CueRef) => !ref.includes('@'),
      folderOf: () => '',
      resolve: async (_ref: CueRef, context: SourceContext) => {
        state.asked += 1;
        state.maxAgesMs.push(context.maxAgeMs);
        if (state.answer instanceof Error) throw state.answer;
        return state.answer;
      },
      fetch: () => Promise.reject(new Error('not part of this test')),
    },
  };
  const tenancy = {
    serviceAccountOf: () => 'default',
    clientFor: () => Promise.reject(new Error('not part of this test')),
    forget: () => undefined,
  };
  const memory: TransformMemory = { uid: 'transform-uid' };
  const resolve = (transform: Transform, use: TransformMemory = memory) =>
    resolveSource(
      { ...deps, reads: new TenantReads({ tenancy }, transform) },
      transform,
      use,
      new AbortController().signal,
    );
  const failContent = (transform: Transform, error: Error) =>
    contentFailed(
      { ...deps, reads: new TenantReads({ tenancy }, transform) },
      transform,
      memory,
      error,
      new AbortController().signal,
    );
  return { state, memory, resolve, failContent };
}

function fromConfigMap(
  parts: { readonly generation?: number; readonly token?: string; readonly status?: TransformStatus } = {},
): Transform {
  const { generation = 1, token, status } = parts;
  const annotations = token === undefined ? {} : { 'pequod.io/reconcile': token };
  return sampleTransform({
    spec: { cueRef: { type: 'configmap', ref: 'module' }, interval: '10m' },
    metadata: { generation, annotations },
    ...(status === undefined ? {} : { status }),
  });
}

function configMap(resourceVersion: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'module', uid: 'cm', resourceVersion } };
}

describe('resolveSource', () => {
  test('asks again after the interval, and not before', async () => {
    const { state, resolve } = setUp();
    await resolve(fromConfigMap());
    state.nowMs = 10 * MINUTE - 1;
    await resolve(fromConfigMap());
    expect(state.asked).toBe(1);
    state.nowMs = 10 * MINUTE;
    await resolve(fromConfigMap());
    expect(state.asked).toBe(2);
  });

  test.each([
    ['the spec', fromConfigMap({ generation: 2 })],
    ['the reconcile token', fromConfigMap({ token: 'now' })],
  ])('asks at once when %s changes', async (_, changed) => {
    const { state, resolve } = setUp();
    await resolve(fromConfigMap());
    await resolve(changed);
    await resolve(changed);
    expect(state.asked).toBe(2);
  });

  test('asks about a watched ConfigMap when it changes, and never else', async () => {
    const { state, resolve } = setUp();
    state.watched = configMap('1');
    expect((await resolve(fromConfigMap())).nextAtMs).toBeUndefined();
    state.nowMs = 1000 * MINUTE;
    await resolve(fromConfigMap());
    expect(state.asked).toBe(1);
    state.watched = configMap('2');
    await resolve(fromConfigMap());
    expect(state.asked).toBe(2);
  });

  test('after a restart takes the answer from the status if the watched ConfigMap is the same', async () => {
    const { state, resolve } = setUp();
    const status = {
      resolvedCueRef: { digest: 'sha256:one', revision: 'cm/1', fetchedAt: '2026-01-01T00:00:00Z' },
      conditions: [sampleCondition('Fetched', 'True', { observedGeneration: 1 })],
    };
    state.watched = configMap('1');
    const known = await resolve(fromConfigMap({ status }));
    expect(known.answer).toEqual({ ok: true, resolution: { digest: 'sha256:one', revision: 'cm/1' } });
    expect(state.asked).toBe(0);
    state.watched = configMap('2');
    await resolve(fromConfigMap({ status }), { uid: 'transform-uid' });
    expect(state.asked).toBe(1);
    await resolve(fromConfigMap({ status, generation: 2 }), { uid: 'transform-uid' });
    expect(state.asked).toBe(2);
  });

  test('asks a failing source again after growing delays', async () => {
    const { state, resolve } = setUp();
    state.answer = new SourceError('SOURCE_NOT_FOUND', 'there is none');
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const { answer, nextAtMs = 0 } = await resolve(fromConfigMap());
      expect(answer).toMatchObject({ ok: false, error: { code: 'SOURCE_NOT_FOUND' } });
      delays.push(nextAtMs - state.nowMs);
      state.nowMs = nextAtMs - 1;
      await resolve(fromConfigMap());
      expect(state.asked).toBe(attempt + 1);
      state.nowMs = nextAtMs;
    }
    expect(delays).toEqual([750, 1500, 3000, 6000]);
    state.answer = { digest: 'sha256:two' };
    expect((await resolve(fromConfigMap())).answer.ok).toBe(true);
  });

  test('does not ask again what only a change can mend', async () => {
    const { state, resolve } = setUp();
    state.answer = new TerminalError('wrong', { code: 'TEST', reason: 'Test' });
    expect((await resolve(fromConfigMap())).nextAtMs).toBeUndefined();
    state.nowMs = 1000 * MINUTE;
    await resolve(fromConfigMap());
    expect(state.asked).toBe(1);
  });

  test('leaves the API server’s own trouble to the queue, and keeps nothing of it', async () => {
    const { state, resolve } = setUp();
    state.answer = new TransportError('connection', 'reset');
    await expect(resolve(fromConfigMap())).rejects.toThrow('reset');
    state.answer = { digest: 'sha256:one' };
    expect((await resolve(fromConfigMap())).answer.ok).toBe(true);
  });
});

/** A Transform of a tag, or of a digest. */
function fromRegistry(
  parts: {
    readonly ref?: string;
    readonly generation?: number;
    readonly token?: string;
    readonly status?: TransformStatus;
  } = {},
): Transform {
  const { ref = 'oci://r.example/web:1', ...others } = parts;
  const transform = fromConfigMap(others);
  return { ...transform, spec: { ...transform.spec, cueRef: { type: 'oci', ref } } };
}

const FETCHED: TransformStatus = {
  resolvedCueRef: {
    digest: 'sha256:one',
    revision: '1@sha256:one',
    signer: 'key a.pub',
    fetchedAt: '2026-01-01T00:00:00Z',
  },
  conditions: [sampleCondition('Fetched', 'True', { observedGeneration: 1 })],
};

describe('resolveSource of what moves', () => {
  test('takes what others were told at most half an interval ago, and nothing that is older than a person', async () => {
    const { state, resolve } = setUp();
    await resolve(fromRegistry());
    await resolve(fromRegistry({ token: 'now' }));
    await resolve(fromRegistry({ token: 'now', generation: 2, status: { lastHandledReconcileAt: 'now' } }));
    expect(state.maxAgesMs).toEqual([5 * MINUTE, 0, 5 * MINUTE]);
  });

  test('never asks again about a digest', async () => {
    const { state, resolve } = setUp();
    const pinned = fromRegistry({ ref: 'oci://r.example/web@sha256:one' });
    expect((await resolve(pinned)).nextAtMs).toBeUndefined();
    state.nowMs = 1000 * MINUTE;
    await resolve(pinned);
    expect(state.asked).toBe(1);
  });

  test('after a restart asks nothing until the interval is over, at some moment of it', async () => {
    const { state, resolve } = setUp();
    const known = await resolve(fromRegistry({ status: FETCHED }));
    expect(known.answer).toEqual({
      ok: true,
      resolution: { digest: 'sha256:one', revision: '1@sha256:one', signer: 'key a.pub' },
    });
    expect(known.nextAtMs).toBe(5 * MINUTE);
    state.nowMs = 5 * MINUTE;
    await resolve(fromRegistry({ status: FETCHED }));
    expect(state.asked).toBe(1);
  });

  test.each([
    ['the spec is another', fromRegistry({ status: FETCHED, generation: 2 })],
    ['a reconcile is asked for', fromRegistry({ status: FETCHED, token: 'now' })],
    ['the last answer was none', fromRegistry({ status: { ...FETCHED, conditions: [] } })],
  ])('after a restart asks at once where %s', async (_what, transform) => {
    const { state, resolve } = setUp();
    await resolve(transform);
    expect(state.asked).toBe(1);
  });
});

describe('a source that fails', () => {
  const silent = new SourceError('SOURCE_UNAVAILABLE', 'r.example does not answer');
  const one = { digest: 'sha256:one' };

  test('leaves in force what it gave for the same reference, whatever else changes', async () => {
    const { state, memory, resolve } = setUp();
    await resolve(fromRegistry());
    sourceWorked(fromRegistry(), memory, one);
    state.answer = silent;
    expect((await resolve(fromRegistry({ generation: 2 }))).answer).toEqual({
      ok: false,
      error: silent,
      sinceMs: 0,
      lastGood: one,
    });
  });

  test('is not answered for by what others were told before it failed', async () => {
    const { state, resolve } = setUp();
    state.nowMs = 60 * MINUTE;
    await resolve(fromRegistry());
    state.answer = silent;
    const { nextAtMs = 0 } = await resolve(fromRegistry({ generation: 2 }));
    const failedAtMs = state.nowMs;
    state.nowMs = nextAtMs;
    await resolve(fromRegistry({ generation: 2 }));
    expect(state.maxAgesMs).toEqual([5 * MINUTE, 5 * MINUTE, nextAtMs - failedAtMs]);
  });

  test('keeps saying what it said last while it is not asked', async () => {
    const { state, resolve, failContent } = setUp();
    state.answer = silent;
    const first = await resolve(fromRegistry());
    state.nowMs = first.nextAtMs ?? 0;
    const notAsked = new NotAskedError('r.example does not answer, as others found', 60_000);
    state.answer = notAsked;
    const second = await resolve(fromRegistry());
    expect(second.answer).toMatchObject({ ok: false, error: { message: silent.message } });
    expect(second.nextAtMs).toBeGreaterThanOrEqual(state.nowMs + 60_000);
    // The reference is answered for by what others were told, and a dependency of it is not to be had.
    state.nowMs = second.nextAtMs ?? 0;
    state.answer = one;
    await resolve(fromRegistry());
    const wrapped = new SourceError('SOURCE_UNAVAILABLE', 'dependency x: not asked', { cause: notAsked });
    expect(failContent(fromRegistry(), wrapped).answer).toMatchObject({ error: { message: silent.message } });
  });

  test('says what is new, and does not take silence for what was said before', async () => {
    const { state, resolve } = setUp();
    const notAsked = new NotAskedError('r.example does not answer, as others found', 60_000);
    const said = async (error: Error) => {
      state.answer = error;
      const { answer, nextAtMs = 0 } = await resolve(fromRegistry());
      state.nowMs = nextAtMs;
      return answer.ok ? undefined : answer.error.message;
    };
    expect(await said(notAsked)).toBe(notAsked.message);
    expect(await said(silent)).toBe(silent.message);
    expect(await said(new SourceError('SOURCE_NOT_FOUND', 'no tag'))).toBe('no tag');
    expect(await said(notAsked)).toBe(notAsked.message);
  });

  test.each([
    ['for another reference', silent, fromRegistry({ ref: 'oci://r.example/web:2', generation: 2 })],
    ['where it refuses', new SourceError('SOURCE_AUTH', 'who are you'), fromRegistry({ generation: 2 })],
    [
      'where there is nothing',
      new SourceError('SOURCE_NOT_FOUND', 'no tag'),
      fromRegistry({ generation: 2 }),
    ],
    ['without a signature', new SourceError('SOURCE_UNVERIFIED', 'none'), fromRegistry({ generation: 2 })],
  ])('leaves nothing in force %s', async (_what, error, transform) => {
    const { state, memory, resolve } = setUp();
    await resolve(fromRegistry());
    sourceWorked(fromRegistry(), memory, one);
    state.answer = error;
    expect((await resolve(transform)).answer).toEqual({ ok: false, error, sinceMs: 0 });
  });
});
