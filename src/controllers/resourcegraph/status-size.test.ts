import { expect, it } from 'vitest';
import type { InventoryItem, NodeStatus, ResourceGraphStatus } from '../../api/index.ts';
import { canonicalJson } from '../../json/index.ts';
import { fitStatus } from './status-size.ts';

const MESSAGE = 'm'.repeat(1024);

function status(nodes: number, entries: number): ResourceGraphStatus {
  const state: NodeStatus = { phase: 'Error', reason: 'InvalidObject', message: MESSAGE, lastError: MESSAGE };
  const item = (index: number): InventoryItem => ({
    ...{ nodeId: 'node', group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop' },
    ...{ name: `c${index}`.padEnd(253, 'x'), origin: 'Created', deletion: 'Delete', wave: 0 },
  });
  return {
    phase: 'Failed',
    nodeStatus: Object.fromEntries(Array.from({ length: nodes }, (_, index) => [`n${index}`, state])),
    inventory: { graphUID: 'g', items: Array.from({ length: entries }, (_, index) => item(index)) },
  };
}

it('leaves alone what fits', () => {
  const small = status(100, 100);
  expect(fitStatus(small, {}).status).toBe(small);
});

it('cuts what a thousand failing nodes say, and nothing of the inventory', () => {
  const large = status(1_000, 1_000);
  const { status: fitted, text } = fitStatus(large, {});
  expect(text).toBe(canonicalJson(fitted));
  expect(text.length).toBeLessThan(1024 * 1024);
  expect(fitted.inventory).toBe(large.inventory);
  expect(fitted.nodeStatus?.['n1']).toEqual({
    ...{ phase: 'Error', reason: 'InvalidObject' },
    message: MESSAGE.slice(0, 80),
  });
});

it('refuses what does not fit even so: an inventory that is too long, or a spec that leaves no room', () => {
  expect(() => fitStatus(status(1, 4_000), {})).toThrow('bytes');
  expect(() => fitStatus(status(1, 2_500), { nodes: ['x'.repeat(1_000_000)] })).toThrow('bytes');
});
