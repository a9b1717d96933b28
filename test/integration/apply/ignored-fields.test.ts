// Fields that are left to others, state by state: who owns the field decides what is sent.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryItem, KubeObject } from '../../../src/api/index.ts';
import { ObjectApplier } from '../../../src/apply/index.ts';
import { isJsonObject } from '../../../src/json/index.ts';
import {
  DEPLOYMENTS,
  deployment,
  requestFor,
  type TenantNamespace,
  tenantNamespace,
} from './tenant-namespace.ts';

const REPLICAS = '/spec/replicas';
const options = { resource: DEPLOYMENTS, ignoreFields: [REPLICAS] };

let space: TenantNamespace;
let applier: ObjectApplier;

beforeAll(async () => {
  space = await tenantNamespace();
  applier = new ObjectApplier(space.tenant, space.owner);
});

afterAll(async () => {
  await space.close();
});

async function read(name: string): Promise<KubeObject> {
  return await space.admin.get(DEPLOYMENTS, { namespace: space.namespace, name }, space.signal);
}

async function replicasOf(name: string): Promise<unknown> {
  const { spec } = await read(name);
  return isJsonObject(spec) ? spec['replicas'] : undefined;
}

/** The managers that own the number of replicas. */
async function ownersOf(name: string): Promise<readonly string[]> {
  const entries = (await read(name)).metadata.managedFields ?? [];
  const owning = entries.filter(({ fieldsV1 }) => {
    const spec = fieldsV1?.['f:spec'];
    return isJsonObject(spec) && spec['f:replicas'] !== undefined;
  });
  return owning.map(({ manager = '' }) => manager).sort();
}

async function applied(
  name: string,
  replicas: number,
  image: string,
  entry?: InventoryItem,
  ignoreFields: readonly string[] = [REPLICAS],
): Promise<InventoryItem> {
  const request = requestFor(space, deployment(name, replicas, image), {
    ...options,
    ignoreFields,
    ...(entry === undefined ? {} : { entry }),
  });
  return (await applier.apply(request, space.signal)).entry;
}

function withoutReplicas(name: string, image: string): KubeObject {
  const whole = deployment(name, 0, image);
  const { replicas: _replicas, ...spec } = isJsonObject(whole['spec']) ? whole['spec'] : {};
  return { ...whole, spec };
}

describe('an ignored field', () => {
  it('that we own alone is kept for whoever comes: its value survives our next apply without it', async () => {
    const first = await applied('ours', 3, 'web:1');
    expect(await ownersOf('ours')).toContain('pequod/keep');
    await applied('ours', 1, 'web:2', first);
    expect(await replicasOf('ours')).toBe(3);
    expect(await ownersOf('ours')).toEqual(['pequod/keep']);
  });

  it('that an autoscaler sets stays as it sets it, and we own nothing of it', async () => {
    const first = await applied('scaled', 1, 'web:1');
    await space.kubectl(['scale', 'deployment', 'scaled', '--replicas=4']);
    await applied('scaled', 1, 'web:2', first);
    expect(await replicasOf('scaled')).toBe(4);
    expect(await ownersOf('scaled')).toEqual(['kubectl']);
  });

  it('that another applies, and nobody had before, is theirs', async () => {
    const request = requestFor(space, withoutReplicas('theirs', 'web:1'), options);
    const { entry } = await applier.apply(request, space.signal);
    const whole = { ...deployment('theirs', 5), metadata: { name: 'theirs', namespace: space.namespace } };
    await space.admin.apply(DEPLOYMENTS, whole, { fieldManager: 'scaler' }, space.signal);
    await applied('theirs', 1, 'web:1', entry);
    expect(await replicasOf('theirs')).toBe(5);
    expect(await ownersOf('theirs')).toEqual(['scaler']);
  });

  it('that nobody owns is not claimed: others apply it without a conflict', async () => {
    const request = requestFor(space, withoutReplicas('free', 'web:1'), options);
    const { entry } = await applier.apply(request, space.signal);
    expect(await replicasOf('free')).toBe(1);
    expect(await ownersOf('free')).toEqual([]);
    await applied('free', 7, 'web:2', entry);
    expect(await replicasOf('free')).toBe(1);
    expect(await ownersOf('free')).toEqual([]);
  });

  it('that its owner let go stays as it is and is nobody’s', async () => {
    const request = requestFor(space, withoutReplicas('left', 'web:1'), options);
    const { entry } = await applier.apply(request, space.signal);
    await space.kubectl(['patch', 'deployment', 'left', '-p', '{"spec":{"replicas":6}}']);
    const { metadata } = await read('left');
    const entries = (metadata.managedFields ?? []).filter(({ manager }) => manager !== 'kubectl-patch');
    await space.admin.jsonPatch(
      DEPLOYMENTS,
      { namespace: space.namespace, name: 'left' },
      [{ op: 'replace', path: '/metadata/managedFields', value: entries }],
      {},
      space.signal,
    );
    await applied('left', 1, 'web:2', entry);
    expect(await replicasOf('left')).toBe(6);
    expect(await ownersOf('left')).toEqual([]);
  });

  it('that is ignored no longer is ours again, with the value of the node', async () => {
    const first = await applied('back', 3, 'web:1');
    const second = await applied('back', 3, 'web:2', first);
    await applied('back', 2, 'web:2', second, []);
    expect(await replicasOf('back')).toBe(2);
    expect(await ownersOf('back')).toEqual([space.owner.manager]);
  });

  it('that is ignored no longer is a conflict where somebody has set it meanwhile', async () => {
    const first = await applied('taken', 3, 'web:1');
    await space.kubectl(['scale', 'deployment', 'taken', '--replicas=4']);
    const second = await applied('taken', 3, 'web:2', first);
    await expect(applied('taken', 2, 'web:2', second, [])).rejects.toMatchObject({
      conflicts: [{ manager: 'kubectl', field: '.spec.replicas' }],
    });
  });
});
