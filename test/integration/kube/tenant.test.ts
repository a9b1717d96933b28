import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  deniedAccess,
  isCrdTerminating,
  isForbidden,
  isNamespaceTerminating,
  type OperatorClient,
  SERVICE_ACCOUNTS,
  serviceAccountIdentity,
  type TenantClient,
} from '../../../src/kube/index.ts';
import { accessControlPlane } from '../../control-plane/index.ts';
import { eventually } from '../eventually.ts';
import {
  applyCrd,
  configMap,
  dropCrd,
  dropNamespace,
  freshNamespace,
  MANAGER,
  operatorClient,
  soon,
  testKind,
  widget,
} from './cluster.ts';

const { kubeconfigPath, kubectl } = accessControlPlane(inject('controlPlane'));
let client: OperatorClient;
let tenant: TenantClient;
let namespace: string;

beforeAll(async () => {
  client = await operatorClient(kubeconfigPath);
  namespace = await freshNamespace(client, 'tenant');
  const metadata = { name: 'deployer', namespace };
  await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, {}, soon());
  tenant = client.forServiceAccount(serviceAccountIdentity(namespace, 'deployer'));
});

afterAll(async () => {
  await dropNamespace(client, namespace);
  await client.close();
});

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function applyAs(
  who: OperatorClient | TenantClient,
  name: string,
  where: string = namespace,
): Promise<unknown> {
  return who.apply(CONFIG_MAPS, configMap(where, name, {}), { fieldManager: MANAGER }, soon());
}

describe('a tenant', () => {
  it('has no rights but its own, and hears which are missing', async () => {
    const error = await failure(applyAs(tenant, 'x'));
    expect(isForbidden(error) && deniedAccess(error)).toEqual({
      verb: 'patch',
      group: '',
      resource: 'configmaps',
      namespace,
      name: 'x',
    });
    const before = await tenant.selfSubjectRulesReview(namespace, soon());
    expect(before.rules.some((rule) => rule.resources.includes('configmaps'))).toBe(false);

    await kubectl([
      'create',
      'rolebinding',
      'edit',
      '--clusterrole=edit',
      `--serviceaccount=${namespace}:deployer`,
      '-n',
      namespace,
    ]);
    await eventually(() => applyAs(tenant, 'x'));
    const review = await tenant.selfSubjectRulesReview(namespace, soon());
    expect(review.isIncomplete).toBe(false);
    expect(
      review.rules.some((rule) => rule.resources.includes('configmaps') && rule.verbs.includes('patch')),
    ).toBe(true);
    expect(isForbidden(await failure(applyAs(tenant, 'x', 'default')))).toBe(true);
    const access = { verb: 'create', group: '', resource: 'namespaces' };
    expect((await tenant.selfSubjectAccessReview(access, soon())).isAllowed).toBe(false);
    expect((await client.selfSubjectAccessReview(access, soon())).isAllowed).toBe(true);
  });
});

describe('what is going away', () => {
  it('is said of a namespace', async () => {
    const ending = await freshNamespace(client, 'ending');
    await client.create(
      CONFIG_MAPS,
      {
        ...configMap(ending, 'held', {}),
        metadata: { name: 'held', namespace: ending, finalizers: ['example.org/hold'] },
      },
      {},
      soon(),
    );
    await dropNamespace(client, ending);
    const error = await eventually(async () => {
      const thrown = await failure(applyAs(client, 'late', ending));
      expect(thrown).toBeDefined();
      return thrown;
    });
    expect([isNamespaceTerminating(error), isForbidden(error)]).toEqual([true, false]);
    const release = [{ op: 'remove', path: '/metadata/finalizers' }] as const;
    await client.jsonPatch(CONFIG_MAPS, { namespace: ending, name: 'held' }, release, {}, soon());
  });

  it('is said of a kind', async () => {
    const kind = testKind();
    await applyCrd(client, kind);
    const held = widget(kind, namespace, 'held', 1);
    const metadata = { ...held.metadata, finalizers: ['example.org/hold'] };
    await eventually(() => client.create(kind.resource, { ...held, metadata }, {}, soon()));
    await dropCrd(client, kind);
    const late = widget(kind, namespace, 'late', 1);
    const error = await eventually(async () => {
      const thrown = await failure(
        client.apply(kind.resource, late, { fieldManager: MANAGER, dryRun: true }, soon()),
      );
      expect(isCrdTerminating(thrown)).toBe(true);
      return thrown;
    });
    expect(isForbidden(error)).toBe(false);
    const release = [{ op: 'remove', path: '/metadata/finalizers' }] as const;
    await client.jsonPatch(kind.resource, { namespace, name: 'held' }, release, {}, soon());
    await eventually(async () => {
      expect(
        await client.listAll(
          CUSTOM_RESOURCE_DEFINITIONS,
          { fieldSelector: `metadata.name=${kind.crd.metadata.name}` },
          soon(),
        ),
      ).toEqual([]);
    });
  });
});
