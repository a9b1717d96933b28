// Others write to an object right between our look at it and the write that relies on the look, time and again.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/api/index.ts';
import { ObjectAdopter, ObjectApplier } from '../../../src/apply/index.ts';
import { CONFIG_MAPS, type TenantClient } from '../../../src/kube/index.ts';
import {
  configMap,
  type GuardedWrite,
  requestFor,
  type TenantNamespace,
  tenantNamespace,
} from './tenant-namespace.ts';

/** A Deployment that comes up has about as many writes within a second. */
const BURST = 6;

let space: TenantNamespace;
let applier: ObjectApplier;

beforeAll(async () => {
  space = await tenantNamespace();
  applier = new ObjectApplier(space.tenant, space.owner);
});

afterAll(async () => {
  await space.close();
});

/** A tenant that is outrun by a controller as often as that, at writes of this kind. */
function outrun(
  name: string,
  isRaced: (write: GuardedWrite) => boolean,
  limit: number = BURST,
): { readonly client: TenantClient; readonly lost: () => number } {
  let lost = 0;
  const client = space.meddledTenant(async (write) => {
    if (lost >= limit || !isRaced(write)) return;
    lost += 1;
    const key = { namespace: space.namespace, name };
    const beat = { metadata: { annotations: { beat: String(lost) } } };
    await space.admin.mergePatch(CONFIG_MAPS, key, beat, { fieldManager: 'controller' }, space.signal);
  });
  return { client, lost: () => lost };
}

async function read(name: string): Promise<KubeObject> {
  return await space.admin.get(CONFIG_MAPS, { namespace: space.namespace, name }, space.signal);
}

describe('a controller that writes whenever we are about to', () => {
  it('does not keep an update from taking back what was changed', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('taken', { a: '1' })), space.signal);
    await space.kubectl(['patch', 'configmap', 'taken', '-p', '{"data":{"a":"theirs"}}']);
    const { client, lost } = outrun('taken', ({ verb }) => verb === 'apply');
    const updated = requestFor(space, configMap('taken', { a: '2' }), { entry });
    const { object } = await new ObjectApplier(client, space.owner).apply(updated, space.signal);
    expect(object['data']).toEqual({ a: '2' });
    expect(lost()).toBe(BURST);
  });

  it('does not keep a repair from putting a field back', async () => {
    const request = requestFor(space, configMap('repaired', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['patch', 'configmap', 'repaired', '-p', '{"data":{"a":"theirs"}}']);
    const { client, lost } = outrun('repaired', ({ verb }) => verb === 'apply');
    const repair = { ...request, entry, isLookFirst: true, isRepair: true };
    const { object } = await new ObjectApplier(client, space.owner).apply(repair, space.signal);
    expect(object['data']).toEqual({ a: '1' });
    expect(lost()).toBe(BURST);
  });

  it('does not keep fields from being kept for others, or from being taken again', async () => {
    const ignoreFields = ['/data/a'];
    const isKeeping = ({ fieldManager }: GuardedWrite): boolean => fieldManager === 'pequod/keep';
    const { client, lost } = outrun('kept', isKeeping);
    const request = requestFor(space, configMap('kept', { a: '1', b: '1' }), { ignoreFields });
    const { entry } = await new ObjectApplier(client, space.owner).apply(request, space.signal);
    expect(lost()).toBe(BURST);
    const without = requestFor(space, configMap('kept', { a: '2', b: '2' }), { ignoreFields, entry });
    const { entry: left, object } = await applier.apply(without, space.signal);
    expect(object['data']).toEqual({ a: '1', b: '2' });

    const again = outrun('kept', ({ verb }) => verb === 'jsonPatch');
    const taken = requestFor(space, configMap('kept', { a: '3', b: '2' }), { entry: left });
    const { object: ours } = await new ObjectApplier(again.client, space.owner).apply(taken, space.signal);
    expect(ours['data']).toEqual({ a: '3', b: '2' });
    expect(again.lost()).toBe(BURST);
  });

  it('does not keep an object from being adopted', async () => {
    await space.kubectl(['create', 'configmap', 'adopted', '--from-literal=a=theirs']);
    const { client, lost } = outrun('adopted', ({ verb }) => verb === 'jsonPatch');
    const adopter = new ObjectAdopter(client, space.owner, new ObjectApplier(client, space.owner));
    const request = requestFor(space, configMap('adopted', { a: '1' }));
    const candidate = await adopter.look(request, space.signal);
    await adopter.adopt({ ...request, entry: candidate?.entry ?? request.entry }, space.signal);
    expect((await read('adopted'))['data']).toEqual({ a: '1' });
    expect(lost()).toBe(BURST);
  });

  it('does not keep an object from being made anew', async () => {
    const fixed = (a: string): KubeObject => ({ ...configMap('anew', { a }), immutable: true });
    const policy = { recreate: 'OnImmutable' } as const;
    const { entry } = await applier.apply(requestFor(space, fixed('1'), { policy }), space.signal);
    const { client, lost } = outrun('anew', ({ verb }) => verb === 'delete');
    const changed = requestFor(space, fixed('2'), { policy, entry });
    const { object } = await new ObjectApplier(client, space.owner).apply(changed, space.signal);
    expect(object['data']).toEqual({ a: '2' });
    expect(lost()).toBe(BURST);
  });

  it('is given up on where it does not stop', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('busy', { a: '1' })), space.signal);
    await space.kubectl(['patch', 'configmap', 'busy', '-p', '{"data":{"a":"theirs"}}']);
    const { client } = outrun('busy', ({ verb }) => verb === 'apply', Number.POSITIVE_INFINITY);
    const updated = requestFor(space, configMap('busy', { a: '2' }), { entry });
    const apply = new ObjectApplier(client, space.owner).apply(updated, space.signal);
    await expect(apply).rejects.toMatchObject({ code: 'API_CONFLICT' });
    expect((await read('busy'))['data']).toEqual({ a: 'theirs' });
  });
});

describe('an ignored field that somebody takes while it is about to be kept', () => {
  it('is theirs, and another one that is ours alone keeps its value', async () => {
    const first = requestFor(space, configMap('two', { a: '1', b: '1', c: '1' }));
    const { entry } = await applier.apply(first, space.signal);
    let isTaken = false;
    const client = space.meddledTenant(async ({ fieldManager }) => {
      if (isTaken || fieldManager !== 'pequod/keep') return;
      isTaken = true;
      await space.kubectl(['patch', 'configmap', 'two', '-p', '{"data":{"a":"theirs"}}']);
    });
    const ignoreFields = ['/data/a', '/data/b'];
    const later = requestFor(space, configMap('two', { a: '2', b: '2', c: '2' }), { ignoreFields, entry });
    const { object } = await new ObjectApplier(client, space.owner).apply(later, space.signal);
    expect(object['data']).toEqual({ a: 'theirs', b: '1', c: '2' });
    expect(isTaken).toBe(true);
  });
});
