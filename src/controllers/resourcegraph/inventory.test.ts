import { describe, expect, it } from 'vitest';
import type { Inventory, InventoryItem, ResourceGraph } from '../../api/index.ts';
import { type Observation, observe } from '../../apply/index.ts';
import type { PlannedObject } from '../../graph/index.ts';
import { CONFIG_MAPS } from '../../kube/index.ts';
import { announcedKinds, joinInventory, rebuildInventory } from './inventory.ts';

const owner = { namespace: 'shop', name: 'web', graphId: 'applyset-x-v1', manager: 'pequod/shop/web' };
const graph: ResourceGraph = {
  apiVersion: 'platform.pequod.io/v1alpha1',
  kind: 'ResourceGraph',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'graph-2',
    annotations: { 'applyset.kubernetes.io/contains-group-kinds': 'ConfigMap,Deployment.apps' },
  },
  spec: {
    sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
    metadata: { platformRef: 'inline:', renderHash: 'h', renderedAt: '2026-01-01T00:00:00Z', digest: 'd' },
    nodes: [],
    serviceAccountName: 'default',
    deletionPolicy: 'Delete',
  },
};

function planned(name: string): PlannedObject {
  return {
    nodeId: name,
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    namespace: 'shop',
    name,
    deletion: 'Delete',
    wave: 0,
  };
}

function item(name: string, more: Partial<InventoryItem> = {}): InventoryItem {
  return { ...planned(name), namespace: 'shop', origin: 'Created', uid: `uid-${name}`, ...more };
}

function child(
  name: string,
  more: { readonly found?: boolean; readonly isOurs?: boolean } = {},
): { resource: typeof CONFIG_MAPS; observation: Observation } {
  const { found = false, isOurs = true } = more;
  const observation = observe({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      labels: { 'pequod.io/graph': owner.graphId },
      annotations: { 'pequod.io/node': `node-${name}`, ...(found ? { 'pequod.io/origin': 'found' } : {}) },
      managedFields: [
        {
          manager: isOurs ? owner.manager : 'copycat',
          operation: 'Apply',
          fieldsV1: { 'f:data': { 'f:a': {} } },
        },
      ],
    },
    data: { a: '1' },
  });
  return { resource: CONFIG_MAPS, observation };
}

describe('joining the inventory with the plan', () => {
  const stored: Inventory = { graphUID: 'graph-2', items: [item('a'), item('old')] };
  const isLive = (): boolean => true;

  it('needs no write where every planned object is in the stored one', () => {
    const { inventory, isWriteDue } = joinInventory(stored, stored, [planned('a')], 'graph-2', isLive);
    expect(isWriteDue).toBe(false);
    expect(inventory.items).toEqual(stored.items);
  });

  it('needs a write for a new object and keeps what the plan has no more', () => {
    const { inventory, isWriteDue } = joinInventory(
      stored,
      stored,
      [planned('a'), planned('b')],
      'graph-2',
      isLive,
    );
    expect(isWriteDue).toBe(true);
    expect(inventory.items.map(({ name }) => name)).toEqual(['a', 'old', 'b']);
    expect(inventory.items.at(-1)).not.toHaveProperty('uid');
  });

  it('replaces the entry of something found that is gone by an intent of our own', () => {
    const found: Inventory = {
      graphUID: 'graph-2',
      items: [item('a', { origin: 'Found', sent: 's', owned: 'o' })],
    };
    const joined = joinInventory(found, found, [planned('a')], 'graph-2', () => false);
    expect(joined.isWriteDue).toBe(true);
    expect(joined.renewed).toEqual(joined.inventory.items);
    expect(joined.inventory.items).toEqual([{ ...planned('a'), origin: 'Created' }]);
  });

  it('keeps the entry of something found that was never written to: no watch can show it', () => {
    const found: Inventory = { graphUID: 'graph-2', items: [item('a', { origin: 'Found' })] };
    const joined = joinInventory(found, found, [planned('a')], 'graph-2', () => false);
    expect(joined).toMatchObject({ isWriteDue: false, renewed: [], inventory: found });
  });

  it('keeps the entry of something created that is gone: it is an intent already', () => {
    const joined = joinInventory(stored, stored, [planned('a')], 'graph-2', () => false);
    expect(joined).toMatchObject({ isWriteDue: false, renewed: [] });
  });

  it('needs a write where the inventory is that of another graph', () => {
    const foreign = { ...stored, graphUID: 'graph-1' };
    const old = { graphUID: 'graph-2', items: [item('a')] };
    expect(joinInventory(foreign, old, [planned('a')], 'graph-2', isLive).isWriteDue).toBe(true);
  });
});

describe('rebuilding the inventory from the watches', () => {
  it('takes what carries our label and our Apply entry, and nothing that only carries the label', () => {
    const rebuilt = rebuildInventory(
      graph,
      owner,
      [child('a'), child('copied', { isOurs: false })],
      [planned('a')],
    );
    expect(rebuilt).toMatchObject({
      graphUID: 'graph-2',
      items: [{ name: 'a', uid: 'uid-a', origin: 'Created' }],
    });
  });

  it('believes the object about having been found', () => {
    const { items } = rebuildInventory(graph, owner, [child('a', { found: true })], [planned('a')]);
    expect(items).toMatchObject([{ origin: 'Found' }]);
  });

  it('marks what the graph does not have, so that it is kept until the Transform goes', () => {
    const { items } = rebuildInventory(graph, owner, [child('a'), child('b')], [planned('a')]);
    expect(items).toMatchObject([{ name: 'a' }, { name: 'b', rebuilt: true, nodeId: 'node-b' }]);
    expect(items[0]).not.toHaveProperty('rebuilt');
  });

  it('drops the mark when the graph has the object again', () => {
    const old = { graphUID: 'graph-2', items: [item('b', { rebuilt: true })] };
    const { inventory } = joinInventory(old, old, [planned('b')], 'graph-2', () => true);
    expect(inventory.items).toEqual([item('b')]);
  });
});

it('reads the kinds that a graph announces', () => {
  expect(announcedKinds(graph)).toEqual([
    { group: '', kind: 'ConfigMap' },
    { group: 'apps', kind: 'Deployment' },
  ]);
});

it('counts the kinds of its nodes in, whatever it announces', () => {
  const object = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a' } };
  const silent: ResourceGraph = {
    ...graph,
    metadata: { ...graph.metadata, annotations: {} },
    spec: { ...graph.spec, nodes: [{ id: 'a', object }] },
  };
  expect(announcedKinds(silent)).toEqual([{ group: 'batch', kind: 'Job' }]);
});
