import { describe, expect, test } from 'vitest';
import { hashJson } from '../../json/index.ts';
import { relationOf, renderHashIn, viewGraph } from './graph-view.ts';
import type { TransformMemory } from './memory.ts';
import { RENDER_HASH, sampleGraph, sampleGraphSpec, sampleTransform } from './sample-objects.ts';

const [owner] = sampleGraph().metadata.ownerReferences ?? [];
const memory = (): TransformMemory => ({ uid: 'transform-uid' });

describe('relationOf', () => {
  test.each([
    ['ours', 'has the Transform as its controller', {}],
    ['lost', 'has no owner', { ownerReferences: [] }],
    ['lost', 'has an owner that does not control it', { ownerReferences: [{ ...owner, controller: false }] }],
    ['lost', 'belonged to an earlier Transform', { ownerReferences: [{ ...owner, uid: 'earlier' }] }],
    ['foreign', 'has another kind of controller', { ownerReferences: [{ ...owner, kind: 'ConfigMap' }] }],
    ['foreign', 'has another Transform', { ownerReferences: [{ ...owner, name: 'other' }] }],
    ['terminating', 'is being deleted', { deletionTimestamp: '2026-01-01T00:00:00Z' }],
  ])('%s: the graph %s', (relation, _, metadata) => {
    expect(relationOf(viewGraph(sampleGraph({ metadata })), sampleTransform())).toBe(relation);
  });

  test('lost: the graph names an earlier Transform as its source', () => {
    const graph = sampleGraph({ spec: { sourceRef: { kind: 'Transform', name: 'web', uid: 'earlier' } } });
    expect(relationOf(viewGraph(graph), sampleTransform())).toBe('lost');
  });
});

describe('renderHashIn', () => {
  test('is the hash that the graph says and has', () => {
    expect(renderHashIn(viewGraph(sampleGraph()), memory())).toBe(RENDER_HASH);
  });

  test('is nothing for a graph that was edited', () => {
    const graph = viewGraph(sampleGraph({ spec: { nodes: [] } }));
    expect(renderHashIn(graph, memory())).toBeUndefined();
  });

  test('accepts what the API server itself made of the nodes', () => {
    const graph = viewGraph(sampleGraph({ spec: { nodes: [] } }));
    const storedAs = { renderHash: RENDER_HASH, hash: hashJson([]) };
    expect(renderHashIn(graph, { ...memory(), storedAs })).toBe(RENDER_HASH);
  });

  test('is nothing where there is no graph, or none that can be read', () => {
    expect(renderHashIn(undefined, memory())).toBeUndefined();
    const broken = { ...sampleGraph(), spec: { ...sampleGraphSpec(), nodes: 'none' } };
    expect(renderHashIn(viewGraph(broken), memory())).toBeUndefined();
  });
});

describe('viewGraph', () => {
  test('reads the spec also where the status is broken', () => {
    const graph = viewGraph({ ...sampleGraph(), status: { phase: 'Sunk' } });
    expect(graph.spec?.deletionPolicy).toBe('Delete');
    expect(graph.status).toBeUndefined();
  });
});
