import { deploymentObject } from '../../../e2e/support/modules.ts';
import { TRANSFORM_KIND } from '../../../src/api/index.ts';
import type { JsonObject } from '../../../src/json/index.ts';
import { configMapObject, inlineSpec, type Nodes } from '../../campaign/bases.ts';
import { TRANSFORM, type World } from '../../campaign/world.ts';
import { accountObject, SHOP, serviceObject } from './nodes.ts';
import type { Scenario } from './scenario.ts';

export type { Scenario } from './scenario.ts';

const create: Scenario = { name: 'create', base: { name: 'create', spec: inlineSpec(SHOP) }, end: 'ready' };

/** Three nodes change, one comes at the end of the chain. */
const update: Scenario = {
  name: 'update',
  base: { name: 'update', spec: inlineSpec(SHOP) },
  act: putSpec(
    inlineSpec({
      ...SHOP,
      settings: { object: configMapObject('settings', { colour: 'blue' }) },
      service: { object: serviceObject('web', 8080), dependsOn: ['settings'] },
      app: {
        object: deploymentObject('web', { replicas: 0 }, { colour: 'blue' }),
        dependsOn: ['account', 'service'],
      },
      last: { object: accountObject('last'), dependsOn: ['done'] },
    }),
  ),
  end: 'ready',
};

/** What is left out has dependencies in it, and a kind that takes its Pods with it. */
const prune: Scenario = {
  name: 'prune',
  base: { name: 'prune', spec: inlineSpec(SHOP) },
  act: putSpec(inlineSpec({ ...kept('settings', 'account') })),
  end: 'ready',
};

const deletion: Scenario = {
  name: 'delete',
  base: { name: 'delete', spec: inlineSpec(SHOP) },
  act: (world) => world.delete(TRANSFORM_KIND, TRANSFORM),
  end: 'gone',
};

/** Two nodes can only be changed by making them anew; one of them is in the middle of a chain. */
const recreate: Scenario = {
  name: 'recreate',
  base: { name: 'recreate', spec: inlineSpec(immutables('red', 'web')) },
  act: putSpec(inlineSpec(immutables('blue', 'web-blue'))),
  end: 'ready',
};

/** Of what was there, two objects are taken over, one by the spec and one by its node, and one is shared. */
const adopt: Scenario = {
  name: 'adopt',
  base: {
    name: 'adopt',
    spec: inlineSpec({ own: { object: configMapObject('own', { k: 'v' }) } }),
    found: [
      configMapObject('old', { colour: 'red', theirs: 'kept' }),
      serviceObject('old', 80, 9090),
      configMapObject('shared', { theirs: 'kept' }),
    ],
  },
  act: putSpec(
    inlineSpec(
      {
        own: { object: configMapObject('own', { k: 'v' }) },
        old: { object: configMapObject('old', { colour: 'blue' }), dependsOn: ['own'] },
        service: { object: serviceObject('old', 80), applyPolicy: { mode: 'Adopt' }, dependsOn: ['old'] },
        shared: { object: configMapObject('shared', { ours: 'too' }) },
        after: { object: accountObject('after'), dependsOn: ['service', 'shared'] },
      },
      {
        adopt: {
          mode: 'Explicit',
          strategy: 'TakeOwnership',
          resources: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'old' }],
        },
      },
    ),
  ),
  end: 'ready',
};

/** Every scenario, by the name that the command knows it by. */
export const SCENARIOS: readonly Scenario[] = [create, update, prune, deletion, recreate, adopt];

function putSpec(spec: JsonObject): (world: World) => Promise<void> {
  return (world) => world.ensureSpec(spec);
}

function kept(...ids: readonly string[]): Nodes {
  return Object.fromEntries(Object.entries(SHOP).filter(([id]) => ids.includes(id)));
}

function immutables(colour: string, app: string): Nodes {
  const deployment = deploymentObject(app, { replicas: 0 });
  return {
    settings: {
      object: { ...configMapObject('settings', { colour }), immutable: true },
      applyPolicy: { recreate: 'OnImmutable' },
    },
    service: { object: serviceObject('web', 80), dependsOn: ['settings'] },
    app: {
      object: { ...deployment, metadata: { name: 'web' } },
      applyPolicy: { recreate: 'OnImmutable' },
      dependsOn: ['service'],
    },
    done: { object: configMapObject('done', { colour }), dependsOn: ['app'] },
  };
}
