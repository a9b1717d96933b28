import { describe, expect, test } from 'vitest';
import type { GraphMetadata, TransformStatus } from '../../api/index.ts';
import type { KeptGraph, RevisionEntry } from '../../revisions/index.ts';
import { viewGraph } from './graph-view.ts';
import type { GraphTask } from './graph-write.ts';
import { takeNumber } from './revisions.ts';
import { sampleCondition, sampleGraph, sampleGraphSpec, sampleTransform } from './sample-objects.ts';

const never = new AbortController().signal;
const running = { ...sampleGraphSpec().metadata, sourceKey: 'source-a', revision: 3 };
const wanted: GraphMetadata = { ...running, renderHash: 'sha256:new', sourceKey: 'source-b' };

function entry(number: number, wasReady: boolean = true): RevisionEntry {
  return {
    number,
    name: `r${number}`,
    uid: `u${number}`,
    resourceVersion: '1',
    renderHash: undefined,
    wasReady,
  };
}

function setUp(history: readonly RevisionEntry[], task: Partial<GraphTask> = {}) {
  const calls: string[] = [];
  const kept: KeptGraph[] = [];
  const deps = {
    revisions: {
      list: async () => {
        calls.push('list');
        return history;
      },
      keep: async (_owner: unknown, graph: KeptGraph) => {
        calls.push(`keep ${graph.number}`);
        kept.push(graph);
        return entry(graph.number, graph.wasReady);
      },
      read: async () => undefined,
      remove: async (_owner: unknown, { number }: RevisionEntry) => {
        calls.push(`remove ${number}`);
      },
    },
  };
  const whole: GraphTask = {
    transform: sampleTransform(),
    memory: { uid: 'transform-uid' },
    graph: viewGraph(sampleGraph({ spec: { metadata: running } })),
    relation: 'ours',
    resolution: undefined,
    render: undefined,
    isNew: false,
    ...task,
  };
  return { calls, kept, take: (metadata: GraphMetadata) => takeNumber(deps, whole, metadata, never) };
}

function withStatus(status: TransformStatus): Pick<GraphTask, 'transform'> {
  return { transform: sampleTransform({ status }) };
}

describe('the number of a graph', () => {
  test('is one for the first, without a call', async () => {
    const { calls, take } = setUp([], { graph: undefined, isNew: true });
    expect(await take(wanted)).toBe(1);
    expect(calls).toEqual([]);
  });

  test('is the next after all that were issued, where the graph is gone', async () => {
    const { take } = setUp([entry(5)], { graph: undefined, ...withStatus({ currentRevision: 4 }) });
    expect(await take(wanted)).toBe(6);
  });

  test('is the one that it had, where the same graph is made again', async () => {
    const applied = { digest: 'sha256:module', renderHash: wanted.renderHash };
    const { calls, take } = setUp([], { graph: undefined, ...withStatus({ currentRevision: 4, applied }) });
    expect(await take(wanted)).toBe(4);
    expect(calls).toEqual([]);
  });

  test('is the next, and what is replaced is kept first', async () => {
    const { calls, kept, take } = setUp([entry(1), entry(2)]);
    expect(await take(wanted)).toBe(4);
    expect(calls).toEqual(['list', 'keep 3']);
    expect(kept[0]).toMatchObject({ number: 3, wasReady: false });
  });

  test('stays, and nothing is kept, where live values alone or an edit lead to another graph', async () => {
    const { calls, take } = setUp([]);
    expect(await take({ ...wanted, sourceKey: 'source-a' })).toBe(3);
    expect(await take({ ...wanted, renderHash: running.renderHash })).toBe(3);
    expect(calls).toEqual([]);
    expect(await take({ ...wanted, sourceKey: 'source-a', digest: 'sha256:other' })).toBe(4);
  });

  test('is above any that is there or was told, also after a rollback to a low one', async () => {
    expect(await setUp([entry(7)]).take(wanted)).toBe(8);
    expect(await setUp([], withStatus({ currentRevision: 9 })).take(wanted)).toBe(10);
  });

  test('is the pinned one, which is not taken away to make room', async () => {
    const content = sampleGraphSpec();
    const transform = sampleTransform({ spec: { rollbackTo: 1, revisionHistoryLimit: 2 } });
    const { calls, take } = setUp([entry(1), entry(2)], { transform, pinned: { number: 1, content } });
    expect(await take(wanted)).toBe(1);
    expect(calls).toEqual(['list', 'keep 3']);
  });

  test('makes the oldest go', async () => {
    const transform = sampleTransform({ spec: { revisionHistoryLimit: 2 } });
    const { calls, take } = setUp([entry(2, false), entry(1, false)], { transform });
    await take(wanted);
    expect(calls).toEqual(['list', 'keep 3', 'remove 1']);
  });

  test('a graph is kept as ready where its revision was, now or before', async () => {
    const ready = { observedGeneration: 3, conditions: [sampleCondition('Ready', 'True')] };
    for (const status of [ready, { readyRevision: 3 }]) {
      const graph = viewGraph(sampleGraph({ spec: { metadata: running }, status }));
      const { kept, take } = setUp([], { graph });
      await take(wanted);
      expect(kept[0]?.wasReady).toBe(true);
    }
  });

  test('nothing is kept of a graph that only holds the place of a plan', async () => {
    const { revision: _revision, ...metadata } = running;
    const graph = viewGraph(sampleGraph({ spec: { metadata, nodes: [] } }));
    const { calls, take } = setUp([], { graph });
    expect(await take(wanted)).toBe(1);
    expect(calls).toEqual(['list']);
  });
});
