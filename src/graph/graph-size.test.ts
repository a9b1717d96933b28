import { expect, it } from 'vitest';
import type { GraphNode, InventoryItem, NodeStatus } from '../api/index.ts';
import { MAX_STATUS_BYTES, statusBytesOf } from './graph-size.ts';

const NAMESPACE = 'n'.repeat(63);
const TIME = '2026-01-01T00:00:00.000Z';

function node(index: number, name: string): GraphNode {
  const id = `node-${index}`.padEnd(63, 'x');
  return { id, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } } };
}

function entry(index: number, name: string): InventoryItem {
  return {
    nodeId: `node-${index}`.padEnd(63, 'x'),
    ...{ group: '', version: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name },
    uid: '00000000-0000-0000-0000-000000000000',
    ...{ origin: 'Adopted', deletion: 'Orphan', wave: 999, rebuilt: true, prunableSince: TIME },
    ...{ sent: 's'.repeat(22), owned: 'o'.repeat(22) },
  };
}

function states(nodes: readonly GraphNode[]): Readonly<Record<string, NodeStatus>> {
  const status: NodeStatus = { phase: 'Ready', readyAt: TIME, appliedAt: TIME, lastTransitionTime: TIME };
  return Object.fromEntries(nodes.map(({ id }) => [id, status]));
}

it('is never below what a thousand nodes with long names take, old and new together', () => {
  const name = (prefix: string, index: number): string => `${prefix}${index}`.padEnd(253, 'y');
  const nodes = Array.from({ length: 1_000 }, (_, index) => node(index, name('new', index)));
  const before = Array.from({ length: 1_000 }, (_, index) => entry(index, name('old', index)));
  const after = nodes.map((_, index) => entry(index, name('new', index)));
  const real = JSON.stringify({ nodeStatus: states(nodes), inventory: [...before, ...after] }).length;
  const foreseen = statusBytesOf(nodes, before, NAMESPACE);
  expect(foreseen).toBeGreaterThan(real);
  expect(foreseen).toBeGreaterThan(MAX_STATUS_BYTES);
  // What stays under the same name is counted once.
  expect(statusBytesOf(nodes, after, NAMESPACE)).toBe(statusBytesOf(nodes, [], NAMESPACE));
});

it('has room for a thousand nodes with common names', () => {
  const nodes = Array.from({ length: 1_000 }, (_, index) => ({
    ...node(index, `settings-${index}`),
    id: `settings-${index}`,
  }));
  expect(statusBytesOf(nodes, [], 'team-payments')).toBeLessThan(MAX_STATUS_BYTES * 0.8);
});
