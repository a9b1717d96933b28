// Taking over objects that kubectl, Helm and others made, against a real API server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryItem, KubeObject } from '../../../src/api/index.ts';
import { ObjectAdopter, ObjectApplier, ObjectRemover } from '../../../src/apply/index.ts';
import { InvalidObjectError, PequodError } from '../../../src/errors.ts';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import {
  configMap,
  DEPLOYMENTS,
  deployment,
  type RequestOptions,
  removalOf,
  requestFor,
  type TenantNamespace,
  tenantNamespace,
} from './tenant-namespace.ts';

let space: TenantNamespace;
let applier: ObjectApplier;
let adopter: ObjectAdopter;

beforeAll(async () => {
  space = await tenantNamespace();
  applier = new ObjectApplier(space.tenant, space.owner);
  adopter = new ObjectAdopter(space.tenant, space.owner, applier);
});

afterAll(async () => {
  await space.close();
});

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function live(name: string): Promise<KubeObject> {
  return space.admin.get(CONFIG_MAPS, { namespace: space.namespace, name }, space.signal);
}

function liveDeployment(name: string): Promise<KubeObject> {
  return space.admin.get(DEPLOYMENTS, { namespace: space.namespace, name }, space.signal);
}

function managers(object: KubeObject): readonly string[] {
  return (object.metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);
}

/** As the graph controller does it: look, record, adopt. */
async function adopt(
  object: KubeObject,
  options: RequestOptions = {},
): Promise<{ readonly entry: InventoryItem; readonly previousManagers: readonly string[] }> {
  const request = requestFor(space, object, options);
  const candidate = await adopter.look(request, space.signal);
  if (candidate === undefined) throw new Error('there is nothing to adopt');
  const { entry } = await adopter.adopt({ ...request, entry: candidate.entry }, space.signal);
  return { entry, previousManagers: candidate.previousManagers };
}

async function kubectlApply(object: KubeObject, ...flags: readonly string[]): Promise<void> {
  await space.kubectl(['apply', ...flags, '-f', '-'], JSON.stringify(object));
}

describe('an object of kubectl apply', () => {
  it.each([
    ['client-side', [], 'kubectl-client-side-apply (Update)'],
    ['server-side', ['--server-side'], 'kubectl (Apply)'],
  ] as const)('%s becomes ours, and what the module drops later goes', async (how, flags, manager) => {
    const name = `kubectl-${how}`;
    await kubectlApply(configMap(name, { same: '1', differs: 'old', extra: 'x' }), ...flags);
    const before = await live(name);
    const { entry, previousManagers } = await adopt(configMap(name, { same: '1', differs: 'new' }));
    expect(entry).toMatchObject({ origin: 'Adopted', uid: before.metadata.uid });
    expect(previousManagers).toEqual([`${manager}: .data.differs`]);
    const adopted = await live(name);
    expect(adopted['data']).toEqual({ same: '1', differs: 'new' });
    expect(managers(adopted)).toEqual([`${space.owner.manager} Apply`]);
    expect(adopted.metadata.annotations).toMatchObject({ 'pequod.io/origin': 'adopted' });
    expect(adopted.metadata.annotations?.[LAST_APPLIED]).toBeUndefined();

    const next = requestFor(space, configMap(name, { differs: 'new' }), { entry });
    await applier.apply(next, space.signal);
    expect((await live(name))['data']).toEqual({ differs: 'new' });
  });

  it('that kubectl apply moved to the server keeps no memory of the client', async () => {
    await kubectlApply(configMap('moved', { a: '1' }));
    await kubectlApply(configMap('moved', { a: '1' }), '--server-side');
    await adopt(configMap('moved', { a: '1' }));
    const adopted = await live('moved');
    expect(adopted.metadata.annotations?.[LAST_APPLIED]).toBeUndefined();
    expect(managers(adopted)).toEqual([`${space.owner.manager} Apply`]);
  });

  it('that is a Deployment as the module wants it does not roll', async () => {
    await kubectlApply(deployment('same', 2));
    await space.kubectl(['annotate', 'deployment', 'same', 'note=mine']);
    const before = await liveDeployment('same');
    await adopt(deployment('same', 2), { resource: DEPLOYMENTS });
    const adopted = await liveDeployment('same');
    expect(adopted['spec']).toEqual(before['spec']);
    expect(adopted.metadata.annotations?.['note']).toBe('mine');
  });
});

describe('an object of Helm', () => {
  const marked = (name: string): KubeObject => {
    const object = configMap(name, { same: '1', extra: 'x' });
    return {
      ...object,
      metadata: {
        name,
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: {
          'meta.helm.sh/release-name': 'shop',
          'meta.helm.sh/release-namespace': space.namespace,
        },
      },
    };
  };

  it('of version 4 becomes ours, its marks go', async () => {
    await kubectlApply(marked('helm4'), '--server-side', '--field-manager=helm');
    const { previousManagers } = await adopt(configMap('helm4', { same: '1' }));
    expect(previousManagers).toEqual(['helm (Apply)']);
    const adopted = await live('helm4');
    expect(adopted['data']).toEqual({ same: '1' });
    expect(adopted.metadata.labels?.['app.kubernetes.io/managed-by']).toBeUndefined();
    expect(Object.keys(adopted.metadata.annotations ?? {}).filter((key) => key.includes('helm'))).toEqual([]);
    expect(managers(adopted)).toEqual([`${space.owner.manager} Apply`]);
  });

  it('of version 3 becomes ours, its marks go', async () => {
    const object = marked('helm3');
    await space.admin.create(
      CONFIG_MAPS,
      { ...object, metadata: { ...object.metadata, namespace: space.namespace } },
      { fieldManager: 'helm' },
      space.signal,
    );
    expect((await adopt(configMap('helm3', { same: '1' }))).previousManagers).toEqual(['helm (Update)']);
    const adopted = await live('helm3');
    expect(adopted['data']).toEqual({ same: '1' });
    expect(adopted.metadata.labels?.['app.kubernetes.io/managed-by']).toBeUndefined();
    expect(managers(adopted)).toEqual([`${space.owner.manager} Apply`]);
  });
});

describe('what others hold', () => {
  it('stays, apart from fields that the node states', async () => {
    await space.admin.apply(
      CONFIG_MAPS,
      {
        ...configMap('shared', { theirs: '1', ours: 'old' }),
        metadata: { name: 'shared', namespace: space.namespace },
      },
      { fieldManager: 'somebody' },
      space.signal,
    );
    const { previousManagers } = await adopt(configMap('shared', { ours: 'new' }));
    expect(previousManagers).toEqual(['somebody (Apply): .data.ours']);
    const adopted = await live('shared');
    expect(adopted['data']).toEqual({ theirs: '1', ours: 'new' });
    expect(managers(adopted)).toContain('somebody Apply');
  });

  it('stays where the node ignores it: the replicas of an autoscaler', async () => {
    await kubectlApply(deployment('scaled', 2));
    await space.kubectl(['scale', 'deployment', 'scaled', '--replicas=5']);
    const options = { resource: DEPLOYMENTS, ignoreFields: ['/spec/replicas'] };
    const { entry } = await adopt(deployment('scaled', 1), options);
    expect(await liveDeployment('scaled')).toMatchObject({ spec: { replicas: 5 } });
    await applier.apply(
      requestFor(space, deployment('scaled', 1, 'web:2'), { ...options, entry }),
      space.signal,
    );
    expect(await liveDeployment('scaled')).toMatchObject({ spec: { replicas: 5 } });
  });

  it('stays where the node ignores a field that only the old tool set', async () => {
    await kubectlApply(deployment('ignored', 4), '--server-side', '--field-manager=helm');
    await adopt(deployment('ignored', 1), { resource: DEPLOYMENTS, ignoreFields: ['/spec/replicas'] });
    expect(await liveDeployment('ignored')).toMatchObject({ spec: { replicas: 4 } });
  });

  it('counts as of unknown origin where the object has no field managers', async () => {
    await space.kubectl(['create', 'configmap', 'ancient', '--from-literal=a=1', '--from-literal=b=2']);
    const patch = JSON.stringify({ metadata: { managedFields: [{}] } });
    await space.kubectl(['patch', 'configmap', 'ancient', '--type=merge', '-p', patch]);
    const { entry } = await adopt(configMap('ancient', { a: '1' }));
    expect((await live('ancient'))['data']).toEqual({ a: '1', b: '2' });
    await applier.apply(requestFor(space, configMap('ancient', { c: '3' }), { entry }), space.signal);
    expect((await live('ancient'))['data']).toEqual({ b: '2', c: '3' });
  });
});

describe('what is not adopted', () => {
  it("is another Transform's object: nothing is written", async () => {
    const other = { ...space.owner, name: 'other', manager: `pequod/${space.namespace}/other` };
    await new ObjectApplier(space.tenant, other).apply(
      requestFor({ ...space, owner: other }, configMap('taken', { a: '1' })),
      space.signal,
    );
    const before = await live('taken');
    const refused = await adopt(configMap('taken', { a: '2' })).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PequodError);
    expect(refused).toMatchObject({
      code: 'ADOPTION_REFUSED',
      message: expect.stringContaining(`belongs to Transform ${space.namespace}/other`),
    });
    expect(await live('taken')).toEqual(before);
  });

  it('is an object that the node could not be applied to: nothing is written', async () => {
    await kubectlApply(deployment('immutable', 1));
    const before = await liveDeployment('immutable');
    const wanted = deployment('immutable', 1);
    const labels = { app: 'changed' };
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    };
    await expect(adopt({ ...wanted, spec }, { resource: DEPLOYMENTS })).rejects.toBeInstanceOf(
      InvalidObjectError,
    );
    const after = await liveDeployment('immutable');
    expect(managers(after)).not.toContain(`${space.owner.manager} Apply`);
    expect(after['spec']).toEqual(before['spec']);
  });

  it('is nothing where there is no object, or where it is ours', async () => {
    expect(await adopter.look(requestFor(space, configMap('missing', {})), space.signal)).toBeUndefined();
    const request = requestFor(space, configMap('mine', { a: '1' }));
    await applier.apply(request, space.signal);
    expect(await adopter.look(request, space.signal)).toBeUndefined();
  });
});

describe('an adoption that is cut short', () => {
  it('is finished when it is done again, whatever had been done', async () => {
    await kubectlApply(configMap('again', { a: '1', extra: 'x' }));
    const request = requestFor(space, configMap('again', { a: '1' }));
    const candidate = await adopter.look(request, space.signal);
    const intent = { ...request, entry: candidate?.entry ?? request.entry };
    const first = await adopter.adopt(intent, space.signal);
    const again = await adopter.adopt(intent, space.signal);
    expect(again.entry).toEqual(first.entry);
    expect(again.object.metadata.resourceVersion).toBe(first.object.metadata.resourceVersion);
  });

  it('before its first write leaves the object alone when the Transform goes', async () => {
    await kubectlApply(configMap('unmarked', { a: '1' }));
    const before = await live('unmarked');
    const request = requestFor(space, configMap('unmarked', { a: '1' }));
    const entry = (await adopter.look(request, space.signal))?.entry ?? request.entry;
    const remover = new ObjectRemover(space.tenant, space.owner);
    const result = await remover.remove(removalOf(space, { entry, isOrphaned: false }), space.signal);
    expect(result).toBe('abandoned');
    expect(await live('unmarked')).toEqual(before);
  });

  it('between its two writes lets the object go when the Transform goes', async () => {
    const name = 'halfway';
    await kubectlApply(configMap(name, { a: '1' }));
    const request = requestFor(space, configMap(name, { a: '1' }));
    const entry = (await adopter.look(request, space.signal))?.entry ?? request.entry;
    const { managedFields = [] } = (await live(name)).metadata;
    const taken = managedFields.map((field) => ({
      ...field,
      manager: space.owner.manager,
      operation: 'Apply' as const,
    }));
    await space.admin.jsonPatch(
      CONFIG_MAPS,
      { namespace: space.namespace, name },
      [{ op: 'replace', path: '/metadata/managedFields', value: taken }],
      {},
      space.signal,
    );
    expect(managers(await live(name))).toContain(`${space.owner.manager} Apply`);
    const remover = new ObjectRemover(space.tenant, space.owner);
    await remover.remove(removalOf(space, { entry, isOrphaned: false }), space.signal);
    const left = await live(name);
    expect(left['data']).toEqual({ a: '1' });
    expect(managers(left)).not.toContain(`${space.owner.manager} Apply`);
  });

  it('takes the object that has the name by then, after that is recorded', async () => {
    await kubectlApply(configMap('replaced', { a: '1' }));
    const request = requestFor(space, configMap('replaced', { a: '1' }));
    const entry = (await adopter.look(request, space.signal))?.entry ?? request.entry;
    await space.kubectl(['delete', 'configmap', 'replaced']);
    await kubectlApply(configMap('replaced', { a: '2' }));
    const recorded: InventoryItem[] = [];
    const recordFound = async (found: InventoryItem): Promise<void> => void recorded.push(found);
    const outcome = await adopter.adopt({ ...request, entry, recordFound }, space.signal);
    expect(recorded).toMatchObject([{ origin: 'Adopted', uid: outcome.entry.uid }]);
    expect(outcome.entry.uid).not.toBe(entry.uid);
    expect((await live('replaced'))['data']).toEqual({ a: '1' });
  });
});
