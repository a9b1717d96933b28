// The policies of a node: Create, Force, and what an update does to fields that were taken meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryItem, KubeObject } from '../../../src/api/index.ts';
import {
  type ApplyNotice,
  fieldManagerOf,
  type GraphOwner,
  ObjectApplier,
} from '../../../src/apply/index.ts';
import { ApplyConflictError, WaitingError } from '../../../src/errors.ts';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
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
let other: TenantNamespace;

beforeAll(async () => {
  space = await tenantNamespace();
  applier = new ObjectApplier(space.tenant, space.owner);
  const owner: GraphOwner = {
    namespace: space.namespace,
    name: 'other',
    graphId: `applyset-${space.namespace}-other-v1`,
    manager: fieldManagerOf({ namespace: space.namespace, name: 'other' }),
  };
  other = { ...space, owner };
});

afterAll(async () => {
  await space.close();
});

const key = (name: string): { readonly namespace: string; readonly name: string } => ({
  namespace: space.namespace,
  name,
});

async function read(name: string): Promise<KubeObject> {
  return await space.admin.get(CONFIG_MAPS, key(name), space.signal);
}

async function applyAs(fieldManager: string, name: string, data: Record<string, string>): Promise<void> {
  const object = { ...configMap(name, data), metadata: key(name) };
  await space.admin.apply(CONFIG_MAPS, object, { fieldManager, force: true }, space.signal);
}

const refusal = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

describe('mode Create', () => {
  const policy = { mode: 'Create' } as const;

  it('makes what is missing, and leaves it alone from then on', async () => {
    const request = requestFor(space, configMap('seed', { a: '1' }), { policy });
    const { entry, isWritten } = await applier.apply(request, space.signal);
    expect(isWritten).toBe(true);
    expect(entry.origin).toBe('Created');
    await space.kubectl(['patch', 'configmap', 'seed', '-p', '{"data":{"a":"edited"}}']);
    const changed = requestFor(space, configMap('seed', { a: '2' }), { policy, entry, isLookFirst: true });
    const again = await applier.apply(changed, space.signal);
    expect(again.isWritten).toBe(false);
    expect(again.entry).toMatchObject({ origin: 'Created', uid: entry.uid });
    expect((await read('seed'))['data']).toEqual({ a: 'edited' });
  });

  it('does not write to what was there, not even a label', async () => {
    await space.kubectl(['create', 'configmap', 'theirs', '--from-literal=a=theirs']);
    const before = await read('theirs');
    const request = requestFor(space, configMap('theirs', { a: 'ours' }), { policy });
    const { entry, isWritten } = await applier.apply(request, space.signal);
    expect(isWritten).toBe(false);
    expect(entry).toMatchObject({ origin: 'Found', uid: before.metadata.uid });
    expect(entry.sent).toBeUndefined();
    expect(await read('theirs')).toEqual(before);
  });

  it('makes it again when it is gone', async () => {
    const request = requestFor(space, configMap('gone', { a: '1' }), { policy });
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['delete', 'configmap', 'gone']);
    const repair = { ...request, entry, isLookFirst: true, isRepair: true };
    const again = await applier.apply(repair, space.signal);
    expect(again).toMatchObject({ isWritten: true, entry: { origin: 'Created' } });
    expect(again.entry.uid).not.toBe(entry.uid);
  });

  it('waits for what is being deleted', async () => {
    await space.kubectl(['create', 'configmap', 'held']);
    await space.kubectl([
      'patch',
      'configmap',
      'held',
      '-p',
      '{"metadata":{"finalizers":["example.com/hold"]}}',
    ]);
    await space.kubectl(['delete', 'configmap', 'held', '--wait=false']);
    const request = requestFor(space, configMap('held', {}), { policy });
    expect(await refusal(applier.apply(request, space.signal))).toBeInstanceOf(WaitingError);
    await space.kubectl(['patch', 'configmap', 'held', '-p', '{"metadata":{"finalizers":null}}']);
  });

  it('is refused for what another Transform applies', async () => {
    await new ObjectApplier(other.tenant, other.owner).apply(
      requestFor(other, configMap('anothers', { a: '1' })),
      space.signal,
    );
    const request = requestFor(space, configMap('anothers', { a: '1' }), { policy });
    expect(await refusal(applier.apply(request, space.signal))).toMatchObject({
      message: expect.stringContaining(`belongs to Transform ${space.namespace}/other`),
    });
  });
});

describe('conflictPolicy Force', () => {
  const policy = { conflictPolicy: 'Force' } as const;

  it('takes the fields of kubectl and tells of them; the object stays found', async () => {
    await space.kubectl(['create', 'configmap', 'forced', '--from-literal=a=theirs', '--from-literal=b=2']);
    const told: ApplyNotice[] = [];
    const found: InventoryItem[] = [];
    const request = requestFor(space, configMap('forced', { a: 'ours' }), {
      policy,
      tell: (notice) => told.push(notice),
      recordFound: async (entry) => {
        found.push(entry);
      },
    });
    const { entry, object } = await applier.apply(request, space.signal);
    expect(object['data']).toEqual({ a: 'ours', b: '2' });
    expect(entry.origin).toBe('Found');
    expect(found).toHaveLength(1);
    expect(told).toEqual([{ type: 'taken', conflicts: [{ manager: 'kubectl-create', field: '.data.a' }] }]);
  });

  it('takes a field back from another apply manager', async () => {
    const request = requestFor(space, configMap('contested', { a: 'ours' }), { policy });
    const { entry } = await applier.apply(request, space.signal);
    await applyAs('gitops', 'contested', { a: 'theirs' });
    const again = await applier.apply({ ...request, entry, isLookFirst: true, isRepair: true }, space.signal);
    expect(again.object['data']).toEqual({ a: 'ours' });
  });

  it('tells nothing where nobody holds a field', async () => {
    const told: ApplyNotice[] = [];
    const request = requestFor(space, configMap('free', { a: '1' }), {
      policy,
      tell: (each) => told.push(each),
    });
    await applier.apply(request, space.signal);
    expect(told).toEqual([]);
  });

  it('never takes what another Transform applies, even where its label was removed', async () => {
    const theirs = new ObjectApplier(other.tenant, other.owner);
    const { entry } = await theirs.apply(requestFor(other, configMap('claimed', { a: '1' })), space.signal);
    const request = requestFor(space, configMap('claimed', { a: '2' }), { policy });
    const message = `belongs to Transform ${space.namespace}/other`;
    const first = await refusal(applier.apply(request, space.signal));
    expect(first).toMatchObject({ message: expect.stringContaining(message) });
    const labels = ['pequod.io/graph-', 'applyset.kubernetes.io/part-of-'];
    await space.kubectl(['label', 'configmap', 'claimed', ...labels]);
    const second = await refusal(applier.apply(request, space.signal));
    expect(second).toMatchObject({ message: expect.stringContaining(message) });
    expect(await read('claimed')).toMatchObject({ data: { a: '1' }, metadata: { uid: entry.uid } });
  });

  it('lets exactly one of two Transforms have an object that both would force', async () => {
    const both = [space, other];
    for (const round of [1, 2, 3, 4, 5]) {
      const name = `raced-${round}`;
      await space.kubectl(['create', 'configmap', name, '--from-literal=a=theirs']);
      const races = both.map((each) =>
        new ObjectApplier(each.tenant, each.owner).apply(
          requestFor(each, configMap(name, { a: each.owner.name }), { policy }),
          space.signal,
        ),
      );
      const ended = await Promise.allSettled(races);
      const losers = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      expect(losers).toHaveLength(1);
      expect(losers[0]).toMatchObject({ message: expect.stringContaining('belongs to Transform') });
      const winner = both[ended.findIndex(({ status }) => status === 'fulfilled')];
      expect((await read(name))['data']).toEqual({ a: winner?.owner.name });
    }
  });

  it('leaves a label of membership that somebody else has set', async () => {
    await space.kubectl(['create', 'configmap', 'copied', '--from-literal=a=1']);
    await space.kubectl(['label', 'configmap', 'copied', 'pequod.io/graph=applyset-other']);
    const request = requestFor(space, configMap('copied', { a: '2' }), { policy });
    expect(await refusal(applier.apply(request, space.signal))).toBeInstanceOf(ApplyConflictError);
    expect((await read('copied'))['data']).toEqual({ a: '1' });
  });
});

describe('an update of what somebody has changed at the same moment', () => {
  it('takes back what was ours, whether or not the update is about it', async () => {
    const request = requestFor(space, deployment('both', 2), { resource: DEPLOYMENTS });
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['patch', 'deployment', 'both', '-p', '{"spec":{"replicas":5}}']);
    const updated = requestFor(space, deployment('both', 3, 'web:2'), { resource: DEPLOYMENTS, entry });
    const { object } = await applier.apply(updated, space.signal);
    expect(object['spec']).toMatchObject({
      replicas: 3,
      template: { spec: { containers: [{ image: 'web:2' }] } },
    });
  });

  it('is a conflict where the field was never ours', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('new', { a: '1' })), space.signal);
    await space.kubectl(['patch', 'configmap', 'new', '-p', '{"data":{"b":"theirs"}}']);
    const updated = requestFor(space, configMap('new', { a: '1', b: 'ours' }), { entry });
    expect(await refusal(applier.apply(updated, space.signal))).toMatchObject({
      conflicts: [{ manager: 'kubectl-patch', field: '.data.b' }],
    });
  });

  it('is a conflict where another had the field before us and has it still', async () => {
    await space.kubectl(['create', 'configmap', 'same', '--from-literal=a=1']);
    const { entry } = await applier.apply(requestFor(space, configMap('same', { a: '1' })), space.signal);
    const updated = requestFor(space, configMap('same', { a: '2' }), { entry });
    expect(await refusal(applier.apply(updated, space.signal))).toBeInstanceOf(ApplyConflictError);
  });

  it('is a conflict where another apply manager has taken it', async () => {
    const { entry } = await applier.apply(requestFor(space, configMap('applied', { a: '1' })), space.signal);
    await applyAs('gitops', 'applied', { a: 'theirs' });
    const updated = requestFor(space, configMap('applied', { a: '2' }), { entry });
    expect(await refusal(applier.apply(updated, space.signal))).toMatchObject({
      conflicts: [{ manager: 'gitops', field: '.data.a' }],
    });
  });
});
