import { describe, expect, it } from 'vitest';
import type { AdoptedResource, Adoption, GraphNode } from '../api/index.ts';
import { type AdoptionPlan, planAdoption } from './adoption.ts';
import { buildPlan } from './plan.ts';

function configMap(id: string, name: string, more: Partial<GraphNode> = {}): GraphNode {
  return { id, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }, ...more };
}

const resource = (name: string, more: Partial<AdoptedResource> = {}): AdoptedResource => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name,
  ...more,
});

function plan(
  nodes: readonly GraphNode[],
  resources: readonly AdoptedResource[],
  strategy: Adoption['strategy'] = 'TakeOwnership',
): AdoptionPlan {
  const result = buildPlan(nodes, { namespace: 'shop' });
  if (!result.ok) throw new Error('the nodes are wrong');
  return planAdoption(result.plan, { mode: 'Explicit', strategy, resources }, 'shop');
}

describe('which nodes adopt', () => {
  it('are those that say so, and those whose object is listed', () => {
    const nodes = [
      configMap('a', 'one', { applyPolicy: { mode: 'Adopt' } }),
      configMap('b', 'two'),
      configMap('c', 'three'),
      configMap('d', 'four'),
    ];
    const { strategies, problems } = plan(nodes, [resource('two'), resource('three', { nodeId: 'c' })]);
    expect(Object.fromEntries(strategies)).toEqual({
      a: 'TakeOwnership',
      b: 'TakeOwnership',
      c: 'TakeOwnership',
    });
    expect(problems).toEqual([]);
  });

  it('finds an object by group and kind, whatever version it is listed in', () => {
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
    const listed = { apiVersion: 'apps/v1beta1', kind: 'Deployment', name: 'web', namespace: 'shop' };
    expect([...plan([{ id: 'web', object }], [listed]).strategies.keys()]).toEqual(['web']);
  });

  it('only reads what is listed to be mirrored, whatever its node says', () => {
    const nodes = [configMap('a', 'one', { applyPolicy: { mode: 'Adopt' } })];
    expect(plan(nodes, [resource('one')], 'Mirror').strategies.get('a')).toBe('Mirror');
  });

  it('may be one whose object is not known yet', () => {
    const nodes = [{ id: 'a', waitsFor: ['observed.b.c'] }, configMap('b', 'two')];
    expect(plan(nodes, [resource('one')])).toEqual({ strategies: new Map(), problems: [] });
    expect(plan(nodes, [resource('one', { nodeId: 'a' })])).toEqual({ strategies: new Map(), problems: [] });
  });
});

describe('what is wrong with a list', () => {
  it.each([
    [
      'another object than its node',
      resource('one', { nodeId: 'b' }),
      'as node b: that one is ConfigMap shop/two',
      'b',
    ],
    ['a node that is not there', resource('one', { nodeId: 'x' }), 'no node x', undefined],
    ['an object without a node', resource('lost'), 'no node with this object', undefined],
    ['another namespace', resource('one', { namespace: 'bank' }), 'another namespace', undefined],
  ])('is %s', (_, listed, message, nodeId) => {
    const { strategies, problems } = plan([configMap('a', 'one'), configMap('b', 'two')], [listed]);
    expect(strategies.size).toBe(0);
    expect(problems).toMatchObject([{ message: expect.stringContaining(message) }]);
    expect(problems[0]?.nodeId).toBe(nodeId);
  });

  it('is an object that is listed twice; it is adopted all the same', () => {
    const { strategies, problems } = plan(
      [configMap('a', 'one')],
      [resource('one'), resource('one', { nodeId: 'a' })],
    );
    expect([...strategies.keys()]).toEqual(['a']);
    expect(problems).toMatchObject([{ message: expect.stringContaining('listed more than once') }]);
  });
});
