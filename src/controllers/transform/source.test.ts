import { describe, expect, test } from 'vitest';
import type { KubeObject, Transform, TransformStatus } from '../../api/index.ts';
import { SourceError, TerminalError } from '../../errors.ts';
import { TransportError } from '../../kube/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { TransformMemory } from './memory.ts';
import { sampleCondition, sampleTransform } from './sample-objects.ts';
import { resolveSource } from './source.ts';

const MINUTE = 60_000;

/** A source that answers as told, and counts how often it is asked. */
function setUp() {
  const state = {
    nowMs: 0,
    asked: 0,
    answer: { digest: 'sha256:one' } as Resolution | Error,
    watched: undefined as KubeObject | undefined,
  };
  const deps = {
    now: () => state.nowMs,
    random: () => 0.5,
    modules: { get: () => state.watched },
    sources: {
      resolve: async () => {
        state.asked += 1;
        if (state.answer instanceof Error) throw state.answer;
        return state.answer;
      },
      fetch: () => Promise.reject(new Error('not part of this test')),
    },
    tenancy: {
      serviceAccountOf: () => 'default',
      clientFor: () => Promise.reject(new Error('not part of this test')),
      forget: () => undefined,
    },
  };
  const memory: TransformMemory = { uid: 'transform-uid' };
  const resolve = (transform: Transform, use: TransformMemory = memory) =>
    resolveSource(deps, transform, use, new AbortController().signal);
  return { state, resolve };
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
