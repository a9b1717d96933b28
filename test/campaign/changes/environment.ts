// What others do to the Transform's objects, to its graph, and to the operator. The spec stays; what can't be repaired
// by design is taken back by hand.
import { randomUUID } from 'node:crypto';
import { RECONCILE_ANNOTATION, RESOURCE_GRAPH_KIND, TRANSFORM_KIND } from '../../../src/api/index.ts';
import { isJsonArray, type JsonObject } from '../../../src/json/index.ts';
import { CONTROLLER_REVISIONS } from '../../../src/kube/index.ts';
import { membersAt, valueAt } from '../json-path.ts';
import { ROLE_BINDINGS } from '../kinds.ts';
import { TRANSFORM, type World } from '../world.ts';
import { type Change, pickFrom, type Scene } from './change.ts';

interface Child {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  readonly object: JsonObject;
}

type Maker = (scene: Scene, child: Child) => Change;

const GRAPH_KEY = `${RESOURCE_GRAPH_KIND}/${TRANSFORM}`;
const FOREIGN_FINALIZER = 'campaign.example.com/held';

/** Keys of the objects that the graph has, sorted. */
export function childKeys({ before }: Scene): readonly string[] {
  return Object.keys(membersAt(before.objects, [GRAPH_KEY, 'status', 'inventory'])).sort();
}

export function environmentChange(scene: Scene): Change {
  const key = pickFrom(scene.random, childKeys(scene));
  const [kind = '', name = ''] = key.split('/');
  const child = { key, kind, name, object: membersAt(scene.before.objects, [key]) };
  return pickFrom(scene.random, MAKERS)(scene, child);
}

const edit =
  (told: string, patch: JsonObject): Maker =>
  (scene, child) => {
    const { key, kind, name } = child;
    if (isLeftAlone(scene, child)) return remove(scene, child);
    return { label: `${key}: ${told}`, act: (world) => world.edit(kind, name, patch), keepsObjects: true };
  };

const onGraph =
  (told: string, act: (world: World) => Promise<void>, losesStatus: boolean = false): Maker =>
  () => ({ label: `the graph: ${told}`, act, keepsObjects: true, losesStatus });

const remove: Maker = (scene, { key, kind, name }) => {
  const policy = pickFrom(scene.random, ['Background', 'Foreground', 'Orphan'] as const);
  return { label: `${key} is deleted, ${policy}`, act: (world) => world.delete(kind, name, policy) };
};

const removeAll: Maker = (scene) => ({
  label: 'all objects are deleted',
  act: async (world) => {
    const keys = childKeys(scene).map((key) => key.split('/'));
    await Promise.all(keys.map(([kind = '', name = '']) => world.delete(kind, name)));
  },
});

/** Made once and not looked after: what others write there is theirs. */
function isLeftAlone({ before }: Scene, { key }: Child): boolean {
  const nodeId = String(valueAt(before.objects, [GRAPH_KEY, 'status', 'inventory', key, 'nodeId']));
  const nodes = valueAt(before.objects, [GRAPH_KEY, 'spec', 'nodes']);
  const found = isJsonArray(nodes) ? nodes.find((node) => valueAt(node, ['id']) === nodeId) : undefined;
  return valueAt(found, ['applyPolicy', 'mode']) === 'Create';
}

/** Somebody takes over a field of ours. */
const takeField: Maker = (scene, child) => {
  const { key, kind, name, object } = child;
  const fields = Object.keys(membersAt(object, ['data']));
  if (fields.length === 0 || object['immutable'] === true || isLeftAlone(scene, child))
    return remove(scene, child);
  const field = pickFrom(scene.random, fields);
  const value = scene.random.chance(0.7) ? 'edited' : null;
  return {
    label: `${key}: ${field} is ${value === null ? 'taken away' : 'edited'}`,
    act: (world) => world.edit(kind, name, { data: { [field]: value } }),
    keepsObjects: true,
  };
};

/** A finalizer of somebody else holds an object that is deleted; Pequod never takes it away. */
const hold: Maker = (_, { key, kind, name }) => ({
  label: `${key} is deleted, and held by a finalizer for a while`,
  act: async (world) => {
    await world.edit(kind, name, { metadata: { finalizers: [FOREIGN_FINALIZER] } });
    await world.delete(kind, name);
  },
  undo: async (world) => {
    if ((await world.find(kind, name))?.metadata.deletionTimestamp === undefined)
      throw new Error(`${key} is gone in spite of its finalizer`);
    await world.edit(kind, name, { metadata: { finalizers: null } });
  },
});

/** A field that the graph does not set is whose it is, until they take it back. */
const addTheirs: Maker = (scene, child) => {
  const { key, kind, name } = child;
  if (isLeftAlone(scene, child)) return remove(scene, child);
  return {
    label: `${key}: somebody adds an annotation of theirs`,
    act: (world) => world.edit(kind, name, { metadata: { annotations: { theirs: 'kept' } } }),
    undo: async (world) => {
      const live = await world.find(kind, name);
      if (live?.metadata.annotations?.['theirs'] !== 'kept') throw new Error(`${key} lost what is not ours`);
      await world.edit(kind, name, { metadata: { annotations: { theirs: null } } });
    },
    keepsObjects: true,
  };
};

const deleteRevisions = onGraph('its revisions are deleted', async (world) => {
  const revisions = await world.list(CONTROLLER_REVISIONS, 'pequod.io/transform-uid');
  const { admin, namespace, signal } = world;
  for (const { metadata } of revisions) {
    const key = { namespace, name: metadata.name };
    await admin.delete(CONTROLLER_REVISIONS, key, { propagationPolicy: 'Background' }, signal);
  }
});

/** The Transform's rights are gone for a while. When they are back, that is seen within a minute, or at once when asked. */
const loseRights: Maker = (_, { kind, name }) => ({
  label: `the RoleBinding is deleted, then ${kind}/${name}`,
  act: async (world) => {
    const { admin, namespace, signal } = world;
    const key = { namespace, name: 'deployer' };
    await admin.delete(ROLE_BINDINGS, key, { propagationPolicy: 'Background' }, signal);
    await world.delete(kind, name);
  },
  undo: async (world) => {
    const asked = { [RECONCILE_ANNOTATION]: randomUUID() };
    await world.edit(TRANSFORM_KIND, TRANSFORM, { metadata: { annotations: asked } });
  },
});

const loseAccount: Maker = () => ({
  label: 'the ServiceAccount is deleted',
  act: (world) => world.delete('ServiceAccount', 'deployer'),
  keepsObjects: true,
});

const unlabel: Maker = edit('our label is taken away', { metadata: { labels: { 'pequod.io/graph': null } } });

/** Rarely: all Transforms of a campaign share the operator. */
const restart: Maker = (scene, child) => {
  const { random, restartOperator } = scene;
  if (!random.chance(0.25)) return unlabel(scene, child);
  const { key, kind, name } = child;
  const how = pickFrom(random, ['at once', 'gracefully'] as const);
  return {
    label: `${key} is deleted, and the operator ends ${how} and starts again`,
    act: async (world) => {
      await world.delete(kind, name);
      await restartOperator(how);
    },
  };
};

const MAKERS: readonly Maker[] = [
  remove,
  remove,
  removeAll,
  takeField,
  takeField,
  takeField,
  hold,
  addTheirs,
  unlabel,
  edit('all labels are taken away', { metadata: { labels: null } }),
  edit('our label names another graph', { metadata: { labels: { 'pequod.io/graph': 'applyset-other-v1' } } }),
  edit('our annotation is edited', { metadata: { annotations: { 'pequod.io/node': 'other' } } }),
  onGraph('is deleted', (world) => world.delete(RESOURCE_GRAPH_KIND, TRANSFORM), true),
  onGraph(
    'its status is wiped',
    (world) => world.edit(RESOURCE_GRAPH_KIND, TRANSFORM, { status: null }, 'status'),
    true,
  ),
  onGraph('its inventory is wiped', (world) =>
    world.edit(RESOURCE_GRAPH_KIND, TRANSFORM, { status: { inventory: null } }, 'status'),
  ),
  onGraph(
    'its finalizer is taken away, and it is deleted',
    async (world) => {
      await world.edit(RESOURCE_GRAPH_KIND, TRANSFORM, { metadata: { finalizers: null } });
      await world.delete(RESOURCE_GRAPH_KIND, TRANSFORM);
    },
    true,
  ),
  onGraph('its owner is taken away', (world) =>
    world.edit(RESOURCE_GRAPH_KIND, TRANSFORM, { metadata: { ownerReferences: null } }),
  ),
  onGraph('its labels are taken away', (world) =>
    world.edit(RESOURCE_GRAPH_KIND, TRANSFORM, { metadata: { labels: null } }),
  ),
  onGraph(
    'somebody takes its nodes away',
    (world) => world.edit(RESOURCE_GRAPH_KIND, TRANSFORM, { spec: { nodes: [] } }),
    true,
  ),
  onGraph('the status of the Transform is wiped', (world) =>
    world.edit(TRANSFORM_KIND, TRANSFORM, { status: null }, 'status'),
  ),
  onGraph('the finalizer of the Transform is taken away', (world) =>
    world.edit(TRANSFORM_KIND, TRANSFORM, { metadata: { finalizers: null } }),
  ),
  deleteRevisions,
  loseRights,
  loseAccount,
  restart,
];
