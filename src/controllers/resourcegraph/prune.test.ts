import { expect, it } from 'vitest';
import type { InventoryItem, KubeObject, ResolvedNode } from '../../api/index.ts';
import { stampObject } from '../../apply/index.ts';
import { buildPlan } from '../../graph/index.ts';
import { CONFIG_MAPS } from '../../kube/index.ts';
import { Ledger } from './ledger.ts';
import { dropAliases, prunableItems } from './prune.ts';
import type { Targets } from './targets.ts';

const owner = { namespace: 'shop', name: 'web', graphId: 'applyset-x-v1', manager: 'pequod/shop/web' };
const node: ResolvedNode = {
  id: 'event',
  object: { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'started' } },
};

function targets(): Targets {
  const built = buildPlan([node], { namespace: 'shop' });
  const planNode = built.ok ? built.plan.nodes[0] : undefined;
  if (planNode?.isPending !== false) throw new Error('no plan');
  const stamped = (origin: InventoryItem['origin']): KubeObject =>
    stampObject(node, { owner, namespace: 'shop', origin, deletion: 'Delete' });
  const { identity } = planNode;
  return new Map([
    [
      node.id,
      { planNode, identity, resource: CONFIG_MAPS, deletion: 'Delete', adoption: undefined, stamped },
    ],
  ]);
}

function entry(group: string, name: string, uid: string): InventoryItem {
  const identity = { group, version: 'v1', kind: 'Event', namespace: 'shop', name };
  return { nodeId: 'event', ...identity, uid, origin: 'Created', deletion: 'Delete', wave: 0 };
}

it('does not prune what the graph has under another kind', () => {
  const items = [
    entry('', 'started', 'same'),
    entry('events.k8s.io', 'started', 'same'),
    entry('', 'old', 'other'),
  ];
  const ledger = new Ledger({ graphUID: 'g', items });
  dropAliases(ledger, targets());
  expect(prunableItems(ledger, targets())).toEqual([items[2]]);
  expect(ledger.items()).toEqual([items[1], items[2]]);
});
