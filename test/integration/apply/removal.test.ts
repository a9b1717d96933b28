// What is deleted, what is let go, and what is left alone, against a real API server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/api/index.ts';
import {
  ObjectApplier,
  ObjectRemover,
  observe,
  type Removal,
  type RemovalResult,
} from '../../../src/apply/index.ts';
import type { Hold } from '../../../src/graph/index.ts';
import { CONFIG_MAPS, isNotFound } from '../../../src/kube/index.ts';
import {
  configMap,
  DEPLOYMENTS,
  deployment,
  removalOf,
  requestFor,
  type TenantNamespace,
  tenantNamespace,
} from './tenant-namespace.ts';

let space: TenantNamespace;
let applier: ObjectApplier;
let remover: ObjectRemover;

/** Removes an object as pruning does; `more` says what is different. */
async function remove(
  removal: Pick<Removal, 'entry' | 'isOrphaned'> & Partial<Removal>,
): Promise<Hold | RemovalResult> {
  return await remover.remove(removalOf(space, removal), space.signal);
}

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
    const removal = { entry, isOrphaned: false, observation: observe(object) };
    expect(await remove(removal)).toBe('gone');
    expect(await read('mine')).toBeUndefined();
  });

  it('reads the object where the watch is behind it', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('busy', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['patch', 'configmap', 'busy', '-p', '{"data":{"b":"2"}}']);
    const removal = { entry, isOrphaned: false, observation: observe(object) };
    expect(await remove(removal)).toBe('gone');
    expect(await read('busy')).toBeUndefined();
  });

  it('abandons what lost our label after the watch saw it', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('lost-label', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['label', 'configmap', 'lost-label', 'pequod.io/graph-']);
    const removal = { entry, isOrphaned: false, observation: observe(object) };
    expect(await remove(removal)).toBe('abandoned');
    expect(await read('lost-label')).toBeDefined();
  });

  it('waits for the Pods of what owns Pods', async () => {
    const request = requestFor(space, deployment('pods', 1), { resource: DEPLOYMENTS });
    const { entry } = await applier.apply(request, space.signal);
    const removal = { resource: DEPLOYMENTS, entry, isOrphaned: false };
    let result = await remove(removal);
    // The deployment controller writes to it too.
    while (result === 'again') result = await remove(removal);
    expect(result).toBe('pending');
    await space.kubectl(['wait', '--for=delete', 'deployment/pods', '--timeout=30s']);
    expect(await remove(removal)).toBe('gone');
  });

  it('leaves another object of that name alone', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('other', { a: '1' })), space.signal);
    await space.kubectl(['delete', 'configmap', 'other']);
    await space.kubectl(['create', 'configmap', 'other', '--from-literal=theirs=1']);
    expect(await remove({ entry, isOrphaned: false })).toBe('gone');
    expect((await read('other'))?.['data']).toEqual({ theirs: '1' });
  });

  it('takes what we created anew under that name, though the inventory still has the uid before', async () => {
    const request = requestFor(space, configMap('renewed', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'renewed']);
    await applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    expect(await remove({ entry, isOrphaned: false })).toBe('gone');
    expect(await read('renewed')).toBeUndefined();
  });

  it('lets go what we created anew under that name where it is to stay', async () => {
    const request = requestFor(space, configMap('renewed-kept', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'renewed-kept']);
    await applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    expect(await remove({ entry, isOrphaned: true })).toBe('released');
    expect((await read('renewed-kept'))?.metadata.labels ?? {}).toEqual({});
  });

  it('lets go what it found under that name later, though the inventory has a uid that we created', async () => {
    const request = requestFor(space, configMap('found-later', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'found-later']);
    await space.kubectl(['create', 'configmap', 'found-later', '--from-literal=theirs=1']);
    await applier.apply({ ...request, entry, isLookFirst: true }, space.signal);
    expect(await remove({ entry, isOrphaned: false })).toBe('released');
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
    expect(await remove({ entry, isOrphaned: false })).toBe('abandoned');
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
    expect(await remove(removal)).toBe('released');
    expect((await read('before'))?.['data']).toEqual({ a: '1', b: '2' });
  });
});

describe('releasing', () => {
  it('keeps every value and takes our name off', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('kept', { a: '1' })), space.signal);
    expect(await remove({ entry, isOrphaned: true })).toBe('released');
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
    await remove({ entry, isOrphaned: true });
    const { object, entry: found } = await applier.apply(
      requestFor(space, configMap('again', { a: '2' })),
      space.signal,
    );
    expect(found.origin).toBe('Found');
    expect(object['data']).toEqual({ a: '2' });
  });
});

describe('what an inventory says and the object does not bear out', () => {
  it('never deletes what is marked as found, though the entry says that we created it', async () => {
    await space.kubectl(['create', 'configmap', 'forged', '--from-literal=theirs=1']);
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('forged', { a: '1' })),
      space.signal,
    );
    expect(entry.origin).toBe('Found');
    const forged = { ...entry, origin: 'Created' as const };
    expect(await remove({ entry: forged, isOrphaned: false, observation: observe(object) })).toBe('released');
    expect((await read('forged'))?.['data']).toMatchObject({ theirs: '1' });
  });

  it('never deletes by a forged uid, label and annotations without our Apply entry', async () => {
    const yaml = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'copied',
        labels: {
          'pequod.io/graph': space.owner.graphId,
          'applyset.kubernetes.io/part-of': space.owner.graphId,
        },
        annotations: { 'pequod.io/node': 'node' },
      },
    });
    await space.kubectl(['create', '-f', '-'], yaml);
    const live = await read('copied');
    if (live === undefined) throw new Error('it is not there');
    const { entry } = requestFor(space, configMap('copied', {}));
    const forged = { ...entry, uid: live.metadata.uid ?? '' };
    expect(await remove({ entry: forged, isOrphaned: false, observation: observe(live) })).toBe('abandoned');
    expect(await read('copied')).toBeDefined();
  });

  it('takes over nothing by a forged uid: what we never wrote is found, and marked', async () => {
    await space.kubectl(['create', 'configmap', 'claimed', '--from-literal=theirs=1']);
    const live = await read('claimed');
    const request = requestFor(space, configMap('claimed', { a: '1' }));
    const entry = { ...request.entry, uid: live?.metadata.uid ?? '', sent: 'x', owned: 'y' };
    const outcome = await applier.apply({ ...request, entry, isLookFirst: true }, space.signal);
    expect(outcome.entry.origin).toBe('Found');
    expect(outcome.object.metadata.annotations?.['pequod.io/origin']).toBe('found');
  });

  it('releases what says on itself that it stays, though the entry says Delete', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('says-stay', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['annotate', 'configmap', 'says-stay', 'pequod.io/deletion=Orphan']);
    expect(await remove({ entry, isOrphaned: false, observation: observe(object) })).toBe('released');
    expect(await read('says-stay')).toBeDefined();
  });
});

describe('a watch that is behind', () => {
  it('does not delete what was protected since', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('protected', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['annotate', 'configmap', 'protected', 'pequod.io/prune-protection=true']);
    const stale = { entry, isOrphaned: false, observation: observe(object) };
    expect(await remove(stale)).toMatchObject({ reason: 'Protected' });
    expect(await remove({ ...stale, isFinal: true })).toBe('released');
    expect(await read('protected')).toBeDefined();
  });

  it('does not delete what was deleted and made anew by somebody else since', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('replaced', { a: '1' })),
      space.signal,
    );
    await space.kubectl(['delete', 'configmap', 'replaced']);
    await space.kubectl(['create', 'configmap', 'replaced', '--from-literal=theirs=1']);
    expect(await remove({ entry, isOrphaned: false, observation: observe(object) })).toBe('gone');
    expect((await read('replaced'))?.['data']).toEqual({ theirs: '1' });
  });

  it('does not delete what another graph has taken over since', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('moved', { a: '1' })),
      space.signal,
    );
    await remove({ entry, isOrphaned: true });
    await space.kubectl(['label', 'configmap', 'moved', 'pequod.io/graph=another']);
    expect(await remove({ entry, isOrphaned: false, observation: observe(object) })).toBe('abandoned');
    expect(await read('moved')).toBeDefined();
  });
});
