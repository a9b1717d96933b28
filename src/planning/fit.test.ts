import { expect, it } from 'vitest';
import { MAX_PLAN_ITEMS } from '../api/crd/index.ts';
import type { PlanAction, PlanItem } from '../api/index.ts';
import { fitItems } from './fit.ts';
import { describeItems } from './words.ts';

const item = (action: PlanAction, nodeId: string, more: Partial<PlanItem> = {}): PlanItem => ({
  action,
  nodeId,
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: nodeId,
  ...more,
});

it('puts what is done before what is kept, and otherwise keeps the order', () => {
  const { items, isTruncated } = fitItems([
    item('Keep', 'a'),
    item('Create', 'b'),
    item('Prune', 'c'),
    item('Create', 'd'),
  ]);
  expect(items.map(({ nodeId }) => nodeId)).toEqual(['c', 'b', 'd', 'a']);
  expect(isTruncated).toBe(false);
});

it('drops what is kept first', () => {
  const kept = Array.from({ length: MAX_PLAN_ITEMS }, (_, index) => item('Keep', `k${index}`));
  const { items, isTruncated } = fitItems([...kept, item('Prune', 'gone')]);
  expect(items).toHaveLength(MAX_PLAN_ITEMS);
  expect(items[0]?.nodeId).toBe('gone');
  expect(isTruncated).toBe(true);
});

it('drops details before it drops objects', () => {
  const changes = Array.from({ length: 32 }, (_, index) => ({ path: `.p${index}`, to: 'x'.repeat(256) }));
  const { items, isTruncated } = fitItems(
    Array.from({ length: 50 }, (_, index) => item('Change', `n${index}`, { changes })),
  );
  expect(items).toHaveLength(50);
  expect(items[0]?.changes).toHaveLength(32);
  expect(items.at(-1)?.changes).toBeUndefined();
  expect(isTruncated).toBe(true);
});

it('says what a plan comes to', () => {
  expect(
    describeItems([item('Create', 'a'), item('Create', 'b'), item('Prune', 'c'), item('Keep', 'd')]),
  ).toBe('2 to create, 1 to prune');
  expect(describeItems([item('Keep', 'a')])).toBe('no object changes');
});
