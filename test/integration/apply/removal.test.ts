// What is deleted, what is let go, and what is left alone, against a real API server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/api/index.ts';
import { ObjectApplier, ObjectRemover, observe } from '../../../src/apply/index.ts';
import { CONFIG_MAPS, isNotFound } from '../../../src/kube/index.ts';
import {
  configMap,
  DEPLOYMENTS,
  deployment,
  requestFor,
  type TenantNamespace,
  tenantNamespace,
} from './tenant-namespace.ts';

let space: TenantNamespace;
let applier: ObjectApplier;
let remover: ObjectRemover;

beforeAll(async () => {
  space = await tenantNamespace();
  applier = new ObjectApplier(space.tenant, space.owner);
  remover = new ObjectRemover(space.tenant, space.owner);
});

afterAll(async () => {
  await space.close();
});

async function read(name: string): Promise<KubeObject | undefined> {
  try {
    return await space.admin.get(CONFIG_MAPS, { namespace: space.namespace, name }, space.signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

describe('deleting', () => {
  it('takes what we created out of the cluster, without reading it first where the watch shows it', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('mine', { a: '1' })),
      space.signal,
    );
    const removal = { resource: CONFIG_MAPS, entry, isOrphaned: false, observation: observe(object) };
    expect(await remover.remove(removal, space.signal)).toBe('gone');
    expect(await read('mine')).toBeUndefined();
  });

  it('reads the object where the watch is behind it', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('busy', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['patch', 'configmap', 'busy', '-p', '{"data":{"b":"2"}}']);
    const removal = { resource: CONFIG_MAPS, entry, isOrphaned: false, observation: observe(object) };
    expect(await remover.remove(removal, space.signal)).toBe('gone');
    expect(await read('busy')).toBeUndefined();
  });

  it('abandons what lost our label after the watch saw it', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('lost-label', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['label', 'configmap', 'lost-label', 'pequod.io/graph-']);
    const removal = { resource: CONFIG_MAPS, entry, isOrphaned: false, observation: observe(object) };
    expect(await remover.remove(removal, space.signal)).toBe('abandoned');
    expect(await read('lost-label')).toBeDefined();
  });

  it('waits for the Pods of what owns Pods', async () => {
    const request = requestFor(space, deployment('pods', 1), { resource: DEPLOYMENTS });
    const { entry } = await applier.apply(request, space.signal);
    const removal = { resource: DEPLOYMENTS, entry, isOrphaned: false };
    let result = await remover.remove(removal, space.signal);
    // The deployment controller writes to it too.
    while (result === 'again') result = await remover.remove(removal, space.signal);
    expect(result).toBe('pending');
    await space.kubectl(['wait', '--for=delete', 'deployment/pods', '--timeout=30s']);
    expect(await remover.remove(removal, space.signal)).toBe('gone');
  });

  it('leaves another object of that name alone', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('other', { a: '1' })), space.signal);
    await space.kubectl(['delete', 'configmap', 'other']);
    await space.kubectl(['create', 'configmap', 'other', '--from-literal=theirs=1']);
    expect(await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: false }, space.signal)).toBe(
      'gone',
    );
    expect((await read('other'))?.['data']).toEqual({ theirs: '1' });
  });

  it('takes what we created anew under that name, though the inventory still has the uid before', async () => {
    const request = requestFor(space, configMap('renewed', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'renewed']);
    await applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    expect(await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: false }, space.signal)).toBe(
      'gone',
    );
    expect(await read('renewed')).toBeUndefined();
  });

  it('lets go what we created anew under that name where it is to stay', async () => {
    const request = requestFor(space, configMap('renewed-kept', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'renewed-kept']);
    await applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    expect(await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: true }, space.signal)).toBe(
      'released',
    );
    expect((await read('renewed-kept'))?.metadata.labels ?? {}).toEqual({});
  });

  it('lets go what it found under that name later, though the inventory has a uid that we created', async () => {
    const request = requestFor(space, configMap('found-later', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'found-later']);
    await space.kubectl(['create', 'configmap', 'found-later', '--from-literal=theirs=1']);
    await applier.apply({ ...request, entry, isLookFirst: true }, space.signal);
    expect(await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: false }, space.signal)).toBe(
      'released',
    );
    expect((await read('found-later'))?.['data']).toEqual({ a: '1', theirs: '1' });
  });

  it('abandons what lost our label', async () => {
    const { entry } = await applier.apply(
      requestFor(space, configMap('unlabelled', { a: '1' })),
      space.signal,
    );
    await space.kubectl([
      'label',
      'configmap',
      'unlabelled',
      'pequod.io/graph-',
      'applyset.kubernetes.io/part-of-',
    ]);
    expect(await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: false }, space.signal)).toBe(
      'abandoned',
    );
    expect(await read('unlabelled')).toBeDefined();
  });

  it('never deletes by an intent alone: what was there before is let go', async () => {
    await space.kubectl(['create', 'configmap', 'before', '--from-literal=a=1']);
    const request = requestFor(space, configMap('before', { b: '2' }));
    await applier.apply(request, space.signal);
    const removal = {
      resource: CONFIG_MAPS,
      entry: request.entry,
      isOrphaned: false,
    };
    expect(await remover.remove(removal, space.signal)).toBe('released');
    expect((await read('before'))?.['data']).toEqual({ a: '1', b: '2' });
  });
});

describe('releasing', () => {
  it('keeps every value and takes our name off', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('kept', { a: '1' })), space.signal);
    expect(await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: true }, space.signal)).toBe(
      'released',
    );
    const kept = await read('kept');
    expect(kept?.['data']).toEqual({ a: '1' });
    expect(kept?.metadata.labels ?? {}).toEqual({});
    expect(kept?.metadata.annotations ?? {}).toEqual({});
    expect(kept?.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['pequod-released']);
  });

  it("makes the fields nobody's: the next graph takes them, and what it lacks goes", async () => {
    const { entry } = await applier.apply(
      requestFor(space, configMap('again', { a: '1', b: '1' })),
      space.signal,
    );
    await remover.remove({ resource: CONFIG_MAPS, entry, isOrphaned: true }, space.signal);
    const { object, entry: found } = await applier.apply(
      requestFor(space, configMap('again', { a: '2' })),
      space.signal,
    );
    expect(found.origin).toBe('Found');
    expect(object['data']).toEqual({ a: '2' });
  });
});
