import { describe, expect, test } from 'vitest';
import type { ExportedValue, GraphNode, NodeStatus } from '../../api/index.ts';
import { expressionHash } from '../../cel/index.ts';
import type { Rendered } from '../../render/index.ts';
import type { GraphView } from './graph-view.ts';
import {
  fingerprints,
  isAwaitedInVain,
  isRead,
  keepingNodes,
  type LiveValues,
  liveValuesOf,
  lostReads,
} from './live-values.ts';
import { sampleGraphSpec } from './sample-objects.ts';

const HOST = 'object.data.host';
const DB: GraphNode = { ...sampleGraphSpec().nodes[0], id: 'db', exports: { host: HOST } };
const USER: GraphNode = {
  id: 'user',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'u' } },
};

function graphWith(host: Partial<ExportedValue>): GraphView {
  const exported = { exprHash: expressionHash(HOST), uid: 'one', ...host };
  const status: NodeStatus = { phase: 'Ready', exports: { host: exported } };
  return {
    object: { apiVersion: 'v1', kind: 'x', metadata: { name: 'web' } },
    uid: 'graph',
    generation: 1,
    spec: { ...sampleGraphSpec(), nodes: [DB, USER] },
    status: { nodeStatus: { db: status } },
  };
}

const result = (nodes: readonly GraphNode[]): Rendered => ({
  ok: true,
  nodes,
  metadata: {},
  violations: [],
  renderHash: 'hash',
  reads: ['observed.db.host'],
});

describe('values of the graph', () => {
  test('count with the expression that they were computed by', () => {
    const live = liveValuesOf(graphWith({ value: 'h' }));
    expect(live).toMatchObject({
      observed: { db: { host: 'h' } },
      expressions: { db: { host: HOST } },
      lost: [],
    });
    const stale = liveValuesOf(graphWith({ value: 'h', exprHash: 'old' }));
    expect(stale).toMatchObject({ observed: {}, lost: [{ nodeId: 'db', name: 'host', lostAt: undefined }] });
    expect(liveValuesOf(graphWith({ exprHash: 'old' }))).toMatchObject({ lost: [], unanswered: {} });
    expect(liveValuesOf(undefined).observed).toEqual({});
  });

  test('are lost only where they had been published', () => {
    expect(liveValuesOf(graphWith({})).lost).toEqual([]);
    const live = liveValuesOf(graphWith({ lostAt: '2026-01-01T00:00:00Z' }));
    expect(live.observed).toEqual({});
    expect(lostReads(live, ['observed.db.host'])).toHaveLength(1);
    expect(lostReads(live, ['observed.db.port', 'context'])).toEqual([]);
  });

  test('have fingerprints where they are read', () => {
    const live = liveValuesOf(graphWith({ value: 'h' }));
    expect([...fingerprints(live, ['observed.db']).keys()]).toEqual(['db.host']);
    expect(fingerprints(live, ['observed.app']).size).toBe(0);
  });
});

test.each<[string, boolean]>([
  ['observed', true],
  ['observed.db', true],
  ['observed.db.host', true],
  ['observed.db.host.name', true],
  ['observed.db.hosts', false],
  ['observed.db2.host', false],
  ['observed."db".host', true],
  ['context.db.host', false],
])('%s', (path, expected) => {
  expect(isRead([path], 'db', 'host')).toBe(expected);
});

describe('a render for want of a lost value', () => {
  const live = liveValuesOf(graphWith({ lostAt: '2026-01-01T00:00:00Z' }));

  test('gets a node that waits where it lacks nodes that run', () => {
    const { result: kept, awaits } = keepingNodes(result([DB]), [DB, USER], live);
    expect(awaits).toEqual(['observed.db.host']);
    expect(kept.nodes.at(-1)).toEqual({
      id: 'pending-nodes',
      waitsFor: ['observed.db.host'],
      dependsOn: ['db'],
    });
    expect(kept.renderHash).not.toBe('hash');
  });

  test('is as it is where nothing lacks, or the export is given up', () => {
    expect(keepingNodes(result([DB, USER]), [DB, USER], live).result.nodes).toHaveLength(2);
    const { exports: _, ...without } = DB;
    expect(keepingNodes(result([without]), [DB, USER], live).result.nodes).toHaveLength(1);
  });

  test('gets one, too, where the object was not asked by this expression', () => {
    const waits = (values: LiveValues, db: GraphNode = DB): number =>
      keepingNodes(result([db]), [DB, USER], values).awaits.length;
    const asked = liveValuesOf(graphWith({}));
    const known = liveValuesOf(graphWith({ value: 'h' }));
    const other = { ...DB, exports: { host: 'object.data.other' } };
    expect(waits(liveValuesOf(undefined))).toBe(1);
    expect([waits(known), waits(known, other)]).toEqual([0, 1]);
    expect([waits(asked), waits(asked, other)]).toEqual([0, 1]);
    expect(isAwaitedInVain(['observed.db.host'], asked)).toBe(true);
    expect(isAwaitedInVain(['observed.db.host'], known)).toBe(false);
  });
});
