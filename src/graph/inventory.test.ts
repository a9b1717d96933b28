import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Inventory, type InventoryItem, identityKey } from '../api/index.ts';
import {
  deletionWaves,
  effectiveDeletion,
  findPrunable,
  type PlannedObject,
  propagationPolicyOf,
  unionInventory,
} from './index.ts';

const GRAPH_UID = 'graph-1';

function planned(name: string, extra: Partial<PlannedObject> = {}): PlannedObject {
  return {
    nodeId: name,
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'shop',
    name,
    deletion: 'Delete',
    wave: 0,
    ...extra,
  };
}

function item(name: string, extra: Partial<InventoryItem> = {}): InventoryItem {
  const { namespace: _namespace, ...object } = planned(name);
  return {
    ...object,
    namespace: 'shop',
    uid: `uid-${name}`,
    origin: 'Created',
    ...extra,
  };
}

const inventory = (...items: readonly InventoryItem[]): Inventory => ({ graphUID: 'graph-1', items });

describe('unionInventory', () => {
  it('records the intent for objects that are new', () => {
    expect(unionInventory(undefined, [planned('web')], GRAPH_UID)).toEqual({
      graphUID: 'graph-1',
      items: [
        {
          nodeId: 'web',
          group: 'apps',
          version: 'v1',
          kind: 'Deployment',
          namespace: 'shop',
          name: 'web',
          origin: 'Created',
          deletion: 'Delete',
          wave: 0,
        },
      ],
    });
  });

  it('is the same inventory where nothing changes', () => {
    const old = inventory(item('db'), item('web', { wave: 1 }));
    expect(unionInventory(old, [planned('web', { wave: 1 })], GRAPH_UID)).toBe(old);
  });

  it('keeps what is known of an object and follows the graph in the rest', () => {
    const old = inventory(item('web', { sent: 's', owned: 'o', origin: 'Found' }));
    const next = unionInventory(
      old,
      [planned('web', { version: 'v2', wave: 3, deletion: 'Orphan' })],
      GRAPH_UID,
    );
    expect(next.items).toEqual([
      item('web', { sent: 's', owned: 'o', origin: 'Found', version: 'v2', wave: 3, deletion: 'Orphan' }),
    ]);
  });

  it('keeps the old entry of a node whose object is renamed', () => {
    const old = inventory(item('web'));
    const next = unionInventory(old, [planned('web-2', { nodeId: 'web' })], GRAPH_UID);
    expect(next.items.map(({ nodeId, name, uid }) => [nodeId, name, uid])).toEqual([
      ['web', 'web', 'uid-web'],
      ['web', 'web-2', undefined],
    ]);
  });

  it('moves the entry of an object that another node has now', () => {
    const next = unionInventory(inventory(item('web')), [planned('web', { nodeId: 'frontend' })], GRAPH_UID);
    expect(next.items).toEqual([item('web', { nodeId: 'frontend' })]);
  });

  it('never loses an old entry and has every planned object exactly once', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
    fc.assert(
      fc.property(names, names, (before, after) => {
        const next = unionInventory(
          inventory(...before.map((name) => item(name))),
          after.map((name) => planned(name)),
          GRAPH_UID,
        );
        const keys = next.items.map(identityKey);
        expect(new Set(keys)).toEqual(
          new Set([...before, ...after].map((name) => identityKey(planned(name)))),
        );
        expect(new Set(keys).size).toBe(keys.length);
        for (const name of before)
          expect(next.items.find((entry) => entry.name === name)?.uid).toBe(`uid-${name}`);
        const left = findPrunable(
          next,
          after.map((name) => planned(name)),
        ).map(({ name }) => name);
        expect(left).toEqual(before.filter((name) => !after.includes(name)));
      }),
    );
  });
});

describe('removal', () => {
  it('names what the graph no longer has, by object and not by node or version', () => {
    const old = inventory(item('web'), item('old'), item('moved'));
    const wanted = [planned('web', { version: 'v9' }), planned('moved', { nodeId: 'other' })];
    expect(findPrunable(old, wanted).map(({ name }) => name)).toEqual(['old']);
    expect(findPrunable(undefined, wanted)).toEqual([]);
  });

  it('goes from the highest wave down', () => {
    const items = [
      item('a', { wave: 0 }),
      item('b', { wave: 10 }),
      item('c', { wave: 2 }),
      item('d', { wave: 10 }),
    ];
    expect(deletionWaves(items).map((wave) => wave.map(({ name }) => name))).toEqual([
      ['b', 'd'],
      ['c'],
      ['a'],
    ]);
  });

  const DEPLOYMENT = { group: 'apps', kind: 'Deployment' };
  const CLAIM = { group: '', kind: 'PersistentVolumeClaim' };
  it.each([
    [DEPLOYMENT, undefined, 'Delete', 'Delete'],
    [DEPLOYMENT, 'Delete', 'Orphan', 'Orphan'],
    [DEPLOYMENT, 'Orphan', 'Delete', 'Orphan'],
    [CLAIM, undefined, 'Delete', 'Orphan'],
    [CLAIM, 'Delete', 'Delete', 'Delete'],
    [CLAIM, 'Delete', 'Orphan', 'Orphan'],
    [{ group: '', kind: 'Namespace' }, undefined, 'Delete', 'Orphan'],
    [{ group: '', kind: 'PersistentVolume' }, undefined, 'Delete', 'Orphan'],
    [{ group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' }, undefined, 'Delete', 'Orphan'],
    [{ group: 'example.org', kind: 'Namespace' }, undefined, 'Delete', 'Delete'],
  ] as const)('of %j with node %s and graph %s is %s', (kind, node, graph, expected) => {
    expect(effectiveDeletion(kind, node, graph)).toBe(expected);
  });

  it('waits for the Pods of what owns Pods', () => {
    expect(['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'].map(propagationPolicyOf)).toEqual(
      Array(5).fill('Foreground'),
    );
    expect(['ConfigMap', 'Pod', 'Widget'].map(propagationPolicyOf)).toEqual(Array(3).fill('Background'));
  });
});
