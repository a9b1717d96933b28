// What one apply does to the world, against a real API server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryItem } from '../../../src/api/index.ts';
import { ObjectApplier } from '../../../src/apply/index.ts';
import { ApplyConflictError, InvalidObjectError } from '../../../src/errors.ts';
import { CONFIG_MAPS, isForbidden, SECRETS, serviceAccountIdentity } from '../../../src/kube/index.ts';
import { clientOf, ScriptedServer, sendJson } from '../kube/scripted-server.ts';
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

beforeAll(async () => {
  space = await tenantNamespace();
  applier = new ObjectApplier(space.tenant, space.owner);
});

afterAll(async () => {
  await space.close();
});

const key = (name: string): { readonly namespace: string; readonly name: string } => ({
  namespace: space.namespace,
  name,
});

describe('origin', () => {
  it('is Created for an object that the apply brought into being', async () => {
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('new', { a: '1' })),
      space.signal,
    );
    expect(entry).toMatchObject({ origin: 'Created', uid: object.metadata.uid });
    expect(object.metadata.annotations?.['pequod.io/origin']).toBeUndefined();
  });

  it('is Found for an object that was there, says so in the object, and keeps what others put into it', async () => {
    await space.kubectl(['create', 'configmap', 'there', '--from-literal=theirs=1']);
    const recorded: unknown[] = [];
    const recordFound = async (found: InventoryItem): Promise<void> => {
      const live = await space.admin.get(CONFIG_MAPS, key('there'), space.signal);
      recorded.push({ origin: found.origin, uid: found.uid, data: live['data'] });
    };
    const { entry, object } = await applier.apply(
      requestFor(space, configMap('there', { ours: '2' }), { recordFound }),
      space.signal,
    );
    // Recorded before the first write.
    expect(recorded).toEqual([{ origin: 'Found', uid: entry.uid, data: { theirs: '1' } }]);
    expect(entry.origin).toBe('Found');
    expect(object.metadata.annotations?.['pequod.io/origin']).toBe('found');
    expect(object['data']).toEqual({ theirs: '1', ours: '2' });
  });

  it('is Created again when the answer of the creation was lost', async () => {
    const request = requestFor(space, configMap('lost', { a: '1' }));
    const { entry: first } = await applier.apply(request, space.signal);
    const { entry } = await applier.apply({ ...request, isLookFirst: true }, space.signal);
    expect(entry).toMatchObject({ origin: 'Created', uid: first.uid });
  });

  it('is Found when the answer was lost and somebody else may have created it', async () => {
    const request = requestFor(space, configMap('contested', { a: '1' }));
    await space.kubectl(['create', 'configmap', 'contested', '--from-literal=a=1']);
    const { entry } = await applier.apply({ ...request, isLookFirst: true }, space.signal);
    expect(entry.origin).toBe('Found');
  });
});

describe('guards', () => {
  it('notices that the object was replaced by another one', async () => {
    const request = requestFor(space, configMap('replaced', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'replaced']);
    await space.kubectl(['create', 'configmap', 'replaced', '--from-literal=b=2']);
    const again = await applier.apply({ ...request, entry }, space.signal);
    expect(again.entry.uid).not.toBe(entry.uid);
    expect(again.entry.origin).toBe('Found');
  });

  it('creates anew what was deleted', async () => {
    const request = requestFor(space, configMap('deleted', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'deleted']);
    const again = await applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    expect(again.entry).toMatchObject({ origin: 'Created' });
    expect(again.entry.uid).not.toBe(entry.uid);
  });
});

describe('conflicts and drift', () => {
  it('names the managers and fields that it would have to take', async () => {
    await space.kubectl(['create', 'configmap', 'conflict', '--from-literal=a=theirs']);
    const apply = applier.apply(requestFor(space, configMap('conflict', { a: 'ours' })), space.signal);
    const error = await apply.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ApplyConflictError);
    expect(error).toMatchObject({ conflicts: [{ manager: 'kubectl-create', field: '.data.a' }] });
  });

  it('takes back what an edit changed', async () => {
    const request = requestFor(space, configMap('edited', { a: 'ours' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['patch', 'configmap', 'edited', '-p', '{"data":{"a":"theirs","b":"more"}}']);
    const repaired = await applier.apply(
      { ...request, entry, isLookFirst: true, isRepair: true },
      space.signal,
    );
    expect(repaired.object['data']).toEqual({ a: 'ours', b: 'more' });
    expect(repaired.entry.owned).toBe(entry.owned);
  });

  it('leaves a field to another apply manager that forced it', async () => {
    const request = requestFor(space, configMap('forced', { a: 'ours' }));
    const { entry } = await applier.apply(request, space.signal);
    const theirs = { ...configMap('forced', { a: 'theirs' }), metadata: key('forced') };
    await space.admin.apply(CONFIG_MAPS, theirs, { fieldManager: 'other-tool', force: true }, space.signal);
    const repair = applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    await expect(repair).rejects.toMatchObject({ conflicts: [{ manager: 'other-tool', field: '.data.a' }] });
  });

  it('does not change the hash of our fields when somebody else adds one', async () => {
    const request = requestFor(space, configMap('shared', { a: '1' }));
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['patch', 'configmap', 'shared', '-p', '{"data":{"b":"2"}}']);
    const again = await applier.apply({ ...request, entry }, space.signal);
    expect(again.entry.owned).toBe(entry.owned);
    expect(again.object['data']).toEqual({ a: '1', b: '2' });
  });
});

describe('fields that are left to others', () => {
  const ignoreFields = ['/spec/replicas'];

  it('are sent at creation and belong to nobody in particular right after', async () => {
    const request = requestFor(space, deployment('scaled', 2), { resource: DEPLOYMENTS, ignoreFields });
    const { object, entry } = await applier.apply(request, space.signal);
    expect(object['spec']).toMatchObject({ replicas: 2 });
    await space.kubectl(['scale', 'deployment', 'scaled', '--replicas=5']);
    const updated = requestFor(space, deployment('scaled', 2, 'web:2'), {
      resource: DEPLOYMENTS,
      ignoreFields,
      entry,
    });
    const after = await applier.apply(updated, space.signal);
    expect(after.object['spec']).toMatchObject({
      replicas: 5,
      template: { spec: { containers: [{ image: 'web:2' }] } },
    });
  });

  it('keep their value when the node comes to ignore them only later', async () => {
    const before = requestFor(space, deployment('later', 3), { resource: DEPLOYMENTS });
    const { entry } = await applier.apply(before, space.signal);
    const after = requestFor(space, deployment('later', 1), { resource: DEPLOYMENTS, ignoreFields, entry });
    const { object } = await applier.apply(after, space.signal);
    expect(object['spec']).toMatchObject({ replicas: 3 });
  });
});

describe('fields that are not ignored any more', () => {
  it('become ours again, while the others stay as they are', async () => {
    const both = ['/data/a', '/data/b'];
    const before = requestFor(space, configMap('half', { a: '1', b: '1' }), { ignoreFields: both });
    const { entry } = await applier.apply(before, space.signal);
    const { entry: kept } = await applier.apply(
      requestFor(space, configMap('half', { a: '1', b: '1', c: '1' }), { ignoreFields: both, entry }),
      space.signal,
    );
    const after = requestFor(space, configMap('half', { a: '2', b: '2', c: '1' }), {
      ignoreFields: ['/data/b'],
      entry: kept,
    });
    const { object } = await applier.apply(after, space.signal);
    expect(object['data']).toEqual({ a: '2', b: '1', c: '1' });
    const { entry: settled } = await applier.apply({ ...after, entry: kept }, space.signal);
    const again = await applier.apply({ ...after, entry: settled }, space.signal);
    expect(again.object['data']).toEqual({ a: '2', b: '1', c: '1' });
  });
});

describe('fields in lists', () => {
  it('can not be ignored, and nothing is written', async () => {
    const ignoreFields = ['/spec/template/spec/containers/0/image'];
    const request = requestFor(space, deployment('listed', 1), { resource: DEPLOYMENTS, ignoreFields });
    const error = await applier.apply(request, space.signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidObjectError);
    expect(error).toMatchObject({ message: expect.stringContaining('in a list') });
    expect(await space.kubectl(['get', 'deployments', '-o', 'name'])).not.toContain('listed');
  });
});

describe('a server that ignores the precondition of a creation', () => {
  it('makes what it answers count as found: it is never deleted', async () => {
    await using server = await ScriptedServer.start((response, { body }) => {
      const { metadata, ...rest } = JSON.parse(body);
      sendJson(response, 200, { ...rest, metadata: { ...metadata, uid: 'theirs', resourceVersion: '7' } });
    });
    const client = clientOf(server);
    const tenant = client.forServiceAccount(serviceAccountIdentity(space.namespace, 'team'));
    const { entry } = await new ObjectApplier(tenant, space.owner).apply(
      requestFor(space, configMap('theirs', { a: '1' })),
      space.signal,
    );
    await client.close();
    expect(entry).toMatchObject({ origin: 'Found', uid: 'theirs' });
  });
});

describe('refusals', () => {
  it('says which field of the object is wrong', async () => {
    const wrong = { ...configMap('wrong', {}), bogus: true };
    const error = await applier
      .apply(requestFor(space, wrong), space.signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidObjectError);
    expect(error).toMatchObject({ field: '.bogus' });
  });

  it('acts with the rights of the tenant and no others', async () => {
    await space.kubectl(['create', 'serviceaccount', 'nobody']);
    const nobody = new ObjectApplier(
      space.admin.forServiceAccount(serviceAccountIdentity(space.namespace, 'nobody')),
      space.owner,
    );
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'mine' } };
    const error = await nobody
      .apply(requestFor(space, secret, { resource: SECRETS }), space.signal)
      .catch((thrown: unknown) => thrown);
    expect(isForbidden(error)).toBe(true);
  });
});
