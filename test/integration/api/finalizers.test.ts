import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isKubeObject, type KubeObject } from '../../../src/api/index.ts';
import { parseJson } from '../../../src/json/index.ts';
import {
  addFinalizerPatch,
  type FinalizerPatch,
  hasFinalizer,
  isBeingDeleted,
  removeFinalizerPatch,
} from '../../../src/runtime/index.ts';
import { accessControlPlane } from '../../control-plane/index.ts';

const { kubectl } = accessControlPlane(inject('controlPlane'));
const namespace = `finalizers-${randomUUID().slice(0, 8)}`;
const OURS = 'pequod.io/test';
const THEIRS = 'example.com/theirs';

beforeAll(async () => {
  await kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
});

function toObject(json: string): KubeObject {
  const object = parseJson(json);
  if (!isKubeObject(object)) throw new Error('kubectl did not answer with an object');
  return object;
}

async function create(name: string): Promise<KubeObject> {
  return toObject(await kubectl(['create', 'configmap', name, '-n', namespace, '-o', 'json']));
}

async function patch(name: string, operations: FinalizerPatch | undefined): Promise<KubeObject> {
  const text = JSON.stringify(operations ?? []);
  return toObject(
    await kubectl(['patch', 'configmap', name, '-n', namespace, '--type=json', '-o', 'json', '-p', text]),
  );
}

describe('finalizer patches', () => {
  it('add and remove one finalizer and keep the others', async () => {
    const both = await patch(
      'kept',
      addFinalizerPatch(await patch('kept', addFinalizerPatch(await create('kept'), THEIRS)), OURS),
    );
    expect(both.metadata.finalizers).toEqual([THEIRS, OURS]);
    const theirs = await patch('kept', removeFinalizerPatch(both, OURS));
    expect(theirs.metadata.finalizers).toEqual([THEIRS]);
    expect((await patch('kept', removeFinalizerPatch(theirs, THEIRS))).metadata.finalizers).toBeUndefined();
  });

  it('are refused as a conflict when someone else wrote meanwhile', async () => {
    const read = await create('raced');
    const theirs = await patch('raced', addFinalizerPatch(read, THEIRS));
    await expect(patch('raced', addFinalizerPatch(read, OURS))).rejects.toThrow(
      'the object has been modified',
    );
    const both = await patch('raced', addFinalizerPatch(theirs, OURS));
    await patch('raced', removeFinalizerPatch(both, THEIRS));
    await expect(patch('raced', removeFinalizerPatch(both, OURS))).rejects.toThrow(
      'the object has been modified',
    );
  });

  it('let a deleted object go when the last one is removed', async () => {
    await patch('deleted', addFinalizerPatch(await create('deleted'), OURS));
    await kubectl(['delete', 'configmap', 'deleted', '-n', namespace, '--wait=false']);
    const deleted = toObject(await kubectl(['get', 'configmap', 'deleted', '-n', namespace, '-o', 'json']));
    expect([isBeingDeleted(deleted), hasFinalizer(deleted, OURS)]).toEqual([true, true]);
    await patch('deleted', removeFinalizerPatch(deleted, OURS));
    await expect(kubectl(['get', 'configmap', 'deleted', '-n', namespace])).rejects.toThrow('not found');
  });
});
