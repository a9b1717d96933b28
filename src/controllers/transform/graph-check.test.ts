import { describe, expect, it } from 'vitest';
import type { GraphNode, ResourceGraphSpec } from '../../api/index.ts';
import { whyNotWritable } from './graph-check.ts';

function spec(nodes: readonly GraphNode[]): ResourceGraphSpec {
  return {
    sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
    metadata: { platformRef: 'inline', renderHash: 'h', renderedAt: '2026-01-01T00:00:00Z', digest: 'd' },
    nodes,
    serviceAccountName: 'default',
    deletionPolicy: 'Delete',
  };
}

function node(
  id: string,
  object: Partial<GraphNode['object']> = {},
  dependsOn: readonly string[] = [],
): GraphNode {
  return {
    id,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: id }, ...object },
    dependsOn,
  };
}

const limits = { maxNodes: 3, maxSpecBytes: 10_000 };

describe('a graph that must not be written', () => {
  it('is none where it can be executed', () => {
    expect(whyNotWritable(spec([node('a'), node('b', {}, ['a'])]), 'shop', limits)).toBeUndefined();
  });

  it('says all that keeps it from being executed', () => {
    const failure = whyNotWritable(
      spec([node('a', {}, ['b']), node('b', {}, ['a', 'gone'])]),
      'shop',
      limits,
    );
    expect(failure?.error).toMatchObject({ code: 'INVALID_GRAPH', retry: 'never' });
    expect(failure?.violations.map(({ message }) => message)).toEqual([
      expect.stringContaining('gone'),
      expect.stringContaining('a → b → a'),
    ]);
  });

  it('reaches outside of its namespace', () => {
    const elsewhere = node('elsewhere', { metadata: { name: 'x', namespace: 'kube-system' } });
    const global = node('global', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' });
    const failure = whyNotWritable(spec([elsewhere, global, node('fine')]), 'shop', limits);
    expect(failure?.error).toMatchObject({ code: 'NOT_CONFINED', reason: 'NotConfined' });
    expect(failure?.violations.map(({ message }) => message)).toEqual([
      expect.stringContaining('node elsewhere'),
      expect.stringContaining('node global'),
    ]);
  });

  it('is too large', () => {
    const failure = whyNotWritable(spec(['a', 'b', 'c', 'd'].map((id) => node(id))), 'shop', limits);
    expect(failure?.error).toMatchObject({ code: 'GRAPH_TOO_LARGE' });
  });
});
