// Changes after which something does not come back as it was, by design. Each says what has to be the case instead, and
// what a user does to get back.
import { TRANSFORM_KIND } from '../../../src/api/index.ts';
import type { JsonObject } from '../../../src/json/index.ts';
import { configMapObject } from '../bases.ts';
import { valueAt, withValue } from '../json-path.ts';
import { describeStanding } from '../settle.ts';
import { TRANSFORM, type World } from '../world.ts';
import { type Change, pickFrom, type Scene } from './change.ts';
import { childKeys } from './environment.ts';
import { specWithNodes } from './nodes.ts';

/** Deleting with --cascade=orphan is the garbage collector's, which takes note of new kinds only every half minute. */
const WAIT_MS = 60_000;
const PROTECTION = 'pequod.io/prune-protection';

/** The Transform is deleted, and made again. */
function deletion(scene: Scene): Change {
  const policy = pickFrom(scene.random, ['Background', 'Foreground'] as const);
  return {
    label: `the Transform is deleted, ${policy}`,
    act: (world) => world.delete(TRANSFORM_KIND, TRANSFORM, policy),
  };
}

/** What was let go with the Transform is there before the next one, and is shared with it from then on. */
function orphaned(scene: Scene): Change {
  const isByPolicy = scene.random.chance(0.5);
  return {
    label: `the Transform is deleted, and its objects stay (${isByPolicy ? 'deletionPolicy' : '--cascade=orphan'})`,
    act: async (world) => {
      if (isByPolicy) await world.ensureSpec({ ...scene.base.spec, deletionPolicy: 'Orphan' });
      await world.delete(TRANSFORM_KIND, TRANSFORM, isByPolicy ? 'Background' : 'Orphan');
      await untilGone(world, TRANSFORM_KIND, TRANSFORM);
    },
    released: childKeys(scene),
    keepsObjects: true,
  };
}

/** An object that was there is shared while a node names it, and survives that. */
function shared({ base }: Scene): Change | undefined {
  const { nodes } = base;
  if (nodes === undefined || base.objects !== undefined) return undefined;
  const name = 'theirs';
  return {
    label: 'a node names an object of somebody else',
    act: async (world) => {
      await world.create(configMapObject(name, { theirs: 'kept' }));
    },
    spec: specWithNodes(base, { ...nodes, added: { object: configMapObject(name, { ours: 'v' }) } }),
    undo: async (world) => {
      const isFree = async (): Promise<JsonObject | undefined> => {
        const live = await world.find('ConfigMap', name);
        if (live === undefined) throw new Error('an object of somebody else was deleted');
        return live.metadata.labels === undefined ? live : undefined;
      };
      const live = await world.until(WAIT_MS, isFree);
      if (JSON.stringify(live?.['data']).includes('kept') !== true)
        throw new Error('an object of somebody else was not let go with its values');
      await world.delete('ConfigMap', name);
    },
    isPatient: true,
    keepsObjects: true,
  };
}

/** A protected object stays when its node goes, until the protection is taken away. */
function protectedObject({ base }: Scene): Change | undefined {
  const { nodes } = base;
  if (nodes === undefined || base.objects !== undefined) return undefined;
  const object = configMapObject('guarded', {}, { annotations: { [PROTECTION]: 'true' } });
  return {
    label: 'a node with a protected object',
    spec: specWithNodes(base, { ...nodes, guarded: { object } }),
    undo: async (world) => {
      const isKept = async (): Promise<true | undefined> => {
        const graph = JSON.stringify(await world.find('ResourceGraph', TRANSFORM));
        return graph.includes('"reason":"Protected"') ? true : undefined;
      };
      const live = await world.find('ConfigMap', 'guarded');
      if (live === undefined) throw new Error('a protected object was deleted');
      if ((await world.until(WAIT_MS, isKept)) === undefined)
        throw new Error('a protected object is not reported');
      await world.edit('ConfigMap', 'guarded', { metadata: { annotations: { [PROTECTION]: null } } });
    },
    isPatient: true,
    keepsObjects: true,
  };
}

/** `immutable: true` can't be taken back by anybody: the object has to go. */
function immutable({ base, random }: Scene): Change | undefined {
  const { nodes } = base;
  if (nodes === undefined || base.objects !== undefined) return undefined;
  const ids = Object.keys(nodes).filter((id) => JSON.stringify(nodes[id]).includes('"kind":"ConfigMap"'));
  const open = ids.filter((id) => !/"immutable"|"Create"/.test(JSON.stringify(nodes[id])));
  if (open.length === 0) return undefined;
  const id = pickFrom(random, open);
  const name = String(valueAt(nodes, [id, 'object', 'metadata', 'name']));
  return {
    label: `node ${id} becomes immutable`,
    spec: specWithNodes(base, { ...nodes, [id]: withValue(nodes[id] ?? {}, ['object', 'immutable'], true) }),
    undo: async (world) => {
      const isReported = async (): Promise<true | undefined> =>
        (await describeStanding(world)).includes('ImmutableField') ? true : undefined;
      if ((await world.until(WAIT_MS, isReported)) === undefined)
        throw new Error('that an object is immutable is not reported');
      await world.delete('ConfigMap', name);
    },
    isPatient: true,
  };
}

async function untilGone(world: World, kind: string, name: string): Promise<void> {
  const gone = await world.until(WAIT_MS, async () =>
    (await world.find(kind, name)) === undefined ? true : undefined,
  );
  if (gone === undefined) throw new Error(`${kind} ${name} does not go`);
}

export function lifeChange(scene: Scene): Change {
  const makers = [deletion, deletion, orphaned, shared, protectedObject, immutable];
  return pickFrom(scene.random, makers)(scene) ?? deletion(scene);
}
